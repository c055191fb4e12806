"""Object keys: a date, a uuid and a harmless file name."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from images import keys
from images.v1.serializers import ImageCreateSerializer

UUID4 = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
FOLDER = re.compile(rf"[0-9]{{4}}/[0-9]{{2}}/[0-9]{{2}}/[0-9]{{2}}-[0-9]{{2}}-{UUID4}")
MOMENT = datetime(2026, 1, 2, 3, 4, 59, tzinfo=UTC)

filenames = st.text(
    st.characters(exclude_categories=["Cc", "Cs"]) | st.sampled_from("./\\ %#?+&"),
    min_size=3,
    max_size=160,
).filter(lambda name: len(name.strip()) >= 3)


@given(filenames)
def test_any_valid_filename_gives_a_safe_key(filename):
    asked = ImageCreateSerializer(data={"filename": filename})
    asked.is_valid(raise_exception=True)
    name = asked.validated_data["filename"]
    folder, _, last = keys.archived(keys.new_key(name, MOMENT)).rpartition("/")
    assert FOLDER.fullmatch(folder.removeprefix("archive/"))
    assert last
    assert last.strip(".")
    assert not set(last) & {"/", "\\"}
    assert len(last.encode()) <= 255
    assert len(f"{folder}/{last}".encode()) <= 1024


def fits(filename: str) -> bool:
    parts = set(filename) & {"/", "\\"}
    return not parts and filename.strip(".") != "" and len(filename.encode()) <= 255


@given(filenames.filter(fits))
def test_the_last_part_is_the_filename_where_that_is_safe(filename):
    assert keys.new_key(filename, MOMENT).rpartition("/")[2] == filename


@pytest.mark.parametrize(
    ("filename", "safe"),
    [
        ("../etc/passwd", ".._etc_passwd"),
        (r"C:\scans\knee.dcm", "C:_scans_knee.dcm"),
        ("...", "___"),
        ("/../", "_.._"),
        (".hidden", ".hidden"),
        ("année 100% + 1.png", "année 100% + 1.png"),
        ("🦴" * 60 + ".tar.png", "🦴" * 60 + ".tar.png"),
        ("🦴" * 156 + ".png", "🦴" * 62 + ".png"),
        ("é" * 120 + "." + "é" * 39, "é" * 120 + "." + "é" * 7),
        ("." * 254 + "🦴", "_" * 254),
    ],
)
def test_separators_dots_only_names_and_great_lengths_are_made_safe(filename, safe):
    assert keys.safe_name(filename) == safe


def test_the_folder_is_the_creation_time_in_utc():
    elsewhere = MOMENT.astimezone(timezone(timedelta(hours=-11)))
    assert re.fullmatch(rf"2026/01/02/03-04-{UUID4}/a\.png", keys.new_key("a.png", elsewhere))


def test_two_keys_of_one_moment_differ():
    assert keys.new_key("a.png", MOMENT) != keys.new_key("a.png", MOMENT)


def test_an_archived_key_leads_back_to_its_upload_key():
    key = keys.new_key("a.png", MOMENT)
    archived = keys.archived(key)
    assert archived == f"archive/{key}"
    assert (keys.is_archived(key), keys.is_archived(archived)) == (False, True)
    assert keys.upload_key(archived) == keys.upload_key(key) == key
