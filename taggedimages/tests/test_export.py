"""`manage.py export`: a search as a file, whole, of one state, and with what proves it."""

import csv
import io
import json
import re
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Thread
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from images import deletion
from images.models import Image
from images.visibility import Viewer
from search import results
from search.query import Query
from search.results import SearchResults
from taggedimages.datasets.snapshots import one_state
from taggedimages.datasets.tests.releases import ready_image
from taggedimages.factories import TESTS, make_image, make_pending, make_tag, make_user
from taggedimages.management import exporting
from tags import tagging, vocabulary
from tags.models import ImageTag
from tags.past.tests.ageing import let_pass

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def exported(*words: object) -> str:
    """What is printed."""
    out = io.StringIO()
    call_command("export", *map(str, words), stdout=out, stderr=io.StringIO())
    return out.getvalue()


def records(*words: object) -> list[dict[str, Any]]:
    return [json.loads(line) for line in exported(*words).splitlines()]


def refusal(*words: object) -> str:
    with pytest.raises(CommandError) as error:
        exported(*words)
    return str(error.value)


@pytest.mark.django_db
class TestWhatIsSaidOfAnImage:
    def test_all_of_it_stands_in_a_line(self):
        mira = make_user("mira", project_id="lab")
        image = ready_image(
            *("knee", "ct scan"),
            by=mira,
            filename="knee.png",
            title="A knee",
            created_at=NOON,
            facts__color="#336699",
            facts__taken_at=NOON,
            facts__latitude=-3.5,
            facts__longitude=8.0,
        )
        ImageTag.objects.filter(tag__name="knee").update(value="left")
        target = make_tag("CT")
        vocabulary.alias(image.tags.get(name="ct scan"), target, TESTS)
        (record,) = records("exact_tags=knee")
        assert record == {
            "id": image.pk,
            "uuid": str(image.uuid),
            "filename": "knee.png",
            "title": "A knee",
            "description": "",
            "key": image.key,
            "bytes": image.size,
            "sha256": image.facts.sha256_hex,
            "md5": image.facts.md5_hex,
            "format": "png",
            "media_type": "image/png",
            "width": 8,
            "height": 6,
            "orientation": 1,
            "color": "#336699",
            "taken": "2026-01-02T12:00:00+00:00",
            "latitude": -3.5,
            "longitude": 8.0,
            "state": "ready",
            "reason": None,
            "visibility": "public",
            "project": "lab",
            "created_by": "mira",
            "created": "2026-01-02T12:00:00+00:00",
            "uploaded": "2026-01-02T12:00:00+00:00",
            "updated": Image.objects.get(pk=image.pk).updated_at.isoformat(),
            "tags": ["CT", "knee"],
            "values": [["knee", "left"]],
        }

    def test_what_is_not_known_is_null(self):
        make_pending()
        (record,) = records("")
        unknown = {name for name, value in record.items() if value is None}
        assert unknown == {
            *("title", "sha256", "md5", "format", "media_type", "width", "height", "orientation"),
            *("color", "taken", "latitude", "longitude", "reason", "created_by", "uploaded"),
        }
        assert (record["state"], record["tags"], record["values"]) == ("pending", [], [])

    def test_states_and_reasons_are_the_images_own(self):
        kinds = [
            make_pending(),
            make_pending(upload_error="lost: no file"),
            make_image(),
            ready_image(),
            ready_image(facts__problem="unreadable: no image"),
            ready_image(facts__problem="unreadable: no image", processed_at=None),
        ]
        told = {one["id"]: (one["state"], one["reason"]) for one in records("")}
        assert told == {image.pk: (image.state, image.reason or None) for image in kinds}
        assert len(set(told.values())) == 5

    def test_headers_are_told_where_they_are_asked_for(self):
        ready_image(facts__exif={"Make": "Ünit"}, facts__dicom={"Modality": "CT"})
        (record,) = records("", "--headers")
        assert (record["exif"], record["dicom"]) == ({"Make": "Ünit"}, {"Modality": "CT"})
        (row,) = rows("", "--headers")
        assert json.loads(row["exif"]) == {"Make": "Ünit"}
        assert "exif" not in records("")[0]


def rows(*words: object) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(exported("--format=csv", *words), newline="")))


@pytest.mark.django_db
class TestTables:
    def test_have_the_same_cells(self):
        image = ready_image("knee", r"a|b", filename='say "hi", knee.png', created_at=NOON)
        ImageTag.objects.filter(tag__name="knee").update(value="left")
        (record,), (row,) = records(""), rows("")
        assert list(row) == list(record)
        assert (row["id"], row["filename"]) == (str(image.pk), 'say "hi", knee.png')
        assert (row["tags"], json.loads(row["values"])) == (r"a\|b|knee", [["knee", "left"]])
        assert (row["created"], row["reason"]) == ("2026-01-02T12:00:00+00:00", "")

    def test_without_images_have_a_head_alone(self):
        assert exported("", "--format=csv") == ",".join(exporting.COLUMNS) + "\r\n"
        assert exported("") == ""

    def test_tell_spreadsheets_no_formula(self):
        ready_image("@sum", "b", filename='=cmd|" /C calc"!A0.png', facts__latitude=-3.5)
        (row,) = rows("")
        assert row["filename"] == '\'=cmd|" /C calc"!A0.png'
        assert (row["tags"], row["latitude"]) == ("'@sum|b", "-3.5")
        assert records("")[0]["filename"] == '=cmd|" /C calc"!A0.png'

    @given(st.text("'=+-@\t\ra", max_size=6))
    def test_lose_nothing_by_it(self, text):
        cell = str(exporting._cell(text))
        assert not re.match(r"[=+\-@\t\r]", cell)
        assert (cell[1:] if exporting.FORMULA.match(cell) else cell) == text


@pytest.mark.django_db
class TestWhatIsFound:
    def test_comes_in_the_order_asked_for_however_much_it_is(self, monkeypatch):
        monkeypatch.setattr(results, "CHUNK_RECORDS", 2)
        sizes = {make_image(size=size).pk: size for size in (5, 1, 9, 3, 7)}
        ids = [one["id"] for one in records("order=largest")]
        assert [sizes[one] for one in ids] == [9, 7, 5, 3, 1]
        assert [one["id"] for one in records("min_size=4")] == [
            one for one in sorted(sizes, reverse=True) if sizes[one] >= 4
        ]

    def test_is_all_that_is_current_or_what_a_user_may_see(self):
        mira = make_user("mira")
        public, hers, other = (
            make_image().pk,
            make_image(by=mira, private=True).pk,
            make_image(by=make_user(), private=True).pk,
        )
        deletion.delete(make_image())
        assert [one["id"] for one in records("")] == [other, hers, public]
        assert [one["id"] for one in records("", "--user=mira")] == [hers, public]

    def test_is_as_of_an_instant_with_the_names_of_then_or_of_now(self):
        image = make_image("knee")
        ImageTag.objects.update(value="left")
        at = let_pass()
        tagging.retag(image, ["hip"], TESTS)
        then = datetime.fromtimestamp(at, UTC).isoformat()
        for words in ([f"exact_tags=knee&as_of={at}"], ["exact_tags=knee", "--as-of", then]):
            (record,) = records(*words)
            assert (record["tags"], record["values"]) == (["knee"], [["knee", "left"]])
        assert records("exact_tags=knee") == []
        assert [one["tags"] for one in records("vocabulary=now", "--as-of", at)] == [["knee"]]

    @pytest.mark.parametrize(
        ("words", "why"),
        [
            (["exact_tag=knee"], "exact_tag: Not a parameter."),
            (["", "--user=nobody"], "There is no user nobody."),
            (["failing=nothing"], "nothing"),
            (["", "--as-of=99999999999"], "as_of"),
            (["as_of=1", "--as-of=1"], "Say as_of once."),
            (["", "--as-of=2026-01-31T12:00:00"], "such as 2026-01-31T12:00:00+00:00"),
            (["", "--as-of=soon"], "such as 2026-01-31T12:00:00+00:00"),
        ],
    )
    def test_a_slip_is_told_and_writes_nothing(self, words, why, tmp_path):
        assert why in refusal(*words, "--output", tmp_path / "knees.ndjson")
        assert list(tmp_path.iterdir()) == []


@pytest.mark.django_db(transaction=True)
def test_it_tells_of_one_state_whatever_is_written_meanwhile(monkeypatch):
    monkeypatch.setattr(results, "CHUNK_RECORDS", 2)
    images = [make_image("knee") for _ in range(6)]

    def write() -> None:
        for image in images:
            tagging.retag(image, ["hip"], TESTS)
        deletion.delete(images[0])
        make_image("knee", created_at=datetime(2020, 1, 1, tzinfo=UTC))
        connection.close()

    with one_state(read_only=True):
        found = SearchResults(Query(exact_tags=("knee",), aliased=True), Viewer(audiences=None))
        pieces = exporting.pieces(found, exporting.ndjson, headers=False)
        told = [next(pieces).text, next(pieces).text]
        writer = Thread(target=write)
        writer.start()
        writer.join()
        told += [piece.text for piece in pieces]
    lines = [json.loads(line) for line in b"".join(told).splitlines()]
    assert [one["id"] for one in lines] == [image.pk for image in reversed(images)]
    assert {tuple(one["tags"]) for one in lines} == {("knee",)}


@contextmanager
def files_of_at_most(bytes: int) -> Iterator[None]:
    """No file of this process may be longer, as on a disk that is full."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.django_db
class TestFiles:
    def test_prove_themselves(self, tmp_path):
        image = ready_image("knee")
        path = tmp_path / "knees.csv"
        said = exported("exact_tags=knee", "--output", path)
        assert path.read_text().startswith("id,uuid,")
        subprocess.run(
            ["sha256sum", "--check", "--quiet", "knees.csv.sha256"], cwd=tmp_path, check=True
        )
        manifest = json.loads((tmp_path / "knees.csv.manifest.json").read_text())
        assert manifest.pop("state_of") <= timezone.now().isoformat()
        digest = (tmp_path / "knees.csv.sha256").read_text().split()[0]
        assert manifest == {
            "conditions": "exact_tags=knee",
            "user": None,
            "as_of": None,
            "format": "csv",
            "images": 1,
            "bytes": path.stat().st_size,
            "sha256": digest,
        }
        assert said == f"1 images, {path.stat().st_size:,} bytes, SHA-256 {digest}\n"
        assert image.facts.sha256_hex in path.read_text()

    def test_are_what_is_printed_and_the_manifest_is_said_as_json(self, tmp_path):
        make_image("knee")
        path = tmp_path / "all"
        manifest = json.loads(exported("", "--output", path, "--json"))
        assert path.read_text() == exported("")
        assert (manifest["format"], manifest["images"]) == ("ndjson", 1)

    def test_stay_as_they_are_unless_they_are_to_be_replaced(self, tmp_path):
        path = tmp_path / "all.ndjson"
        path.write_text("mine")
        assert refusal("", "--output", path) == f"{path} is there; --overwrite replaces it."
        assert path.read_text() == "mine"
        exported("", "--output", path, "--overwrite")
        assert path.read_text() == ""

    def test_are_left_alone_where_there_is_no_room_for_new_ones(self, tmp_path):
        path = tmp_path / "all.ndjson"
        path.write_text("old")
        for _ in range(20):
            make_image("knee")
        with files_of_at_most(5_000):
            assert "File too large" in refusal("", "--output", path, "--overwrite")
        assert [file.name for file in tmp_path.iterdir()] == ["all.ndjson"]
        assert path.read_text() == "old"

    def test_need_a_folder(self, tmp_path):
        assert "No such file or directory" in refusal("", "--output", tmp_path / "no" / "all")
