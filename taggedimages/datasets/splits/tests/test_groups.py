"""By what images belong together: what a data set may say, and what each member's group then is."""

from contextlib import ExitStack

import pytest
from django.db import connection

from taggedimages.datasets.reading import Reader
from taggedimages.datasets.refusals import Refused
from taggedimages.datasets.splits import groups
from taggedimages.datasets.splits.groups import AMBIGUOUS, BadGroup, grouping
from taggedimages.datasets.tests.releases import ready_image
from taggedimages.factories import TESTS, make_tag
from tags import tagging, vocabulary
from tags.models import ImageTag

pytestmark = pytest.mark.django_db

# Nothing but trying tells whether it matches, which takes seconds of a name without any repetition.
HOSTILE, UNREPEATED = r"^.*(.+).*\1.*\1.*$", "".join(map(chr, range(0x4E00, 0x4E00 + 200)))


def groups_of(group, *images):
    members = Reader().read(sorted(image.pk for image in images)).members
    return grouping(group)(members)


def of_each(group, *images):
    found = groups_of(group, *images)
    return [found.get(image.pk) for image in images]


def valued(image, tag, value):
    tagging.tag(image, [tag], TESTS)
    ImageTag.objects.filter(image=image, tag__name=tag).update(value=value)
    return image


@pytest.mark.parametrize(
    "group",
    [
        {"dicom": "PatientID"},
        {"dicom": "StudyInstanceUID"},
        {"tag": "patient"},
        {"album": True},
        {"filename": "^([^_]+)_"},
        {"filename": r"(?:ab)+(\d{1,3})[()]\("},
        {"filename": "(?i)^(P[0-9]+)"},
        {"sha256": True},
        None,
    ],
)
def test_what_a_data_set_may_say(group):
    assert groups.read(group) == group


def test_the_name_of_a_tag_is_brought_to_the_form_that_names_have():
    assert groups.read({"tag": " Zu\u0308rich "}) == {"tag": "Zürich"}


ONE_OF = "Must be an object with one of: dicom, tag, album, filename, sha256."


@pytest.mark.parametrize(
    ("group", "why"),
    [
        ("album", ONE_OF),
        ({}, ONE_OF),
        ({"folder": True}, ONE_OF),
        ({"album": True, "sha256": True}, ONE_OF),
        ({"album": False}, "album and sha256: Must be true."),
        ({"sha256": 1}, "album and sha256: Must be true."),
        ({"tag": 7}, "tag: Must be the name of a tag."),
        ({"tag": " "}, "tag: A name has to have a character that can be seen."),
        ({"tag": "a\0"}, "tag: Control characters are not allowed."),
        ({"filename": 7}, "filename: Must be an expression of 1 to 200 characters."),
        ({"filename": ""}, "filename: Must be an expression of 1 to 200 characters."),
        ({"filename": "(a)\0"}, "filename: Must be an expression of 1 to 200 characters."),
        ({"filename": f"({'a' * 199})"}, "filename: Must be an expression of 1 to 200 characters."),
        ({"filename": "abc"}, "filename: One pair of parentheses captures the group, not 0."),
        ({"filename": "(a)(b)"}, "filename: One pair of parentheses captures the group, not 2."),
        ({"filename": r"\(a\)"}, "filename: One pair of parentheses captures the group, not 0."),
        ({"filename": "[(]a[)]"}, "filename: One pair of parentheses captures the group, not 0."),
    ],
)
def test_what_is_refused(group, why):
    with pytest.raises(BadGroup) as refused:
        groups.read(group)
    assert str(refused.value) == why


@pytest.mark.parametrize(
    "pattern", ["(a", "a)|(b", "*(a)", "(a{9999})", "[(]a", "***=(a)", "(a)\\"]
)
def test_an_expression_that_is_none_is_refused(pattern):
    with pytest.raises(BadGroup, match=r"^filename: "):
        groups.read({"filename": pattern})


def test_a_field_of_dicom_is_one_that_inspection_keeps():
    with pytest.raises(
        BadGroup, match=r"^dicom: Must be a field that is kept: PatientID, Modality"
    ):
        groups.read({"dicom": "PatientName"})


def test_patients_are_told_apart_by_their_pseudonyms():
    one = ready_image(facts__subject=b"\x01" * 16, facts__dicom={"PatientID": "Smith"})
    none = ready_image(facts__dicom={"PatientID": "Smith"})
    assert of_each({"dicom": "PatientID"}, one, none) == ["01" * 16, None]


def test_a_field_of_the_header_is_a_text():
    study = ready_image(facts__dicom={"StudyInstanceUID": " 1.2.3 "})
    blank = ready_image(facts__dicom={"StudyInstanceUID": " "})
    null = ready_image(facts__dicom={"StudyInstanceUID": None})
    frames = ready_image(facts__dicom={"NumberOfFrames": 7})
    png = ready_image()
    assert of_each({"dicom": "StudyInstanceUID"}, study, blank, null, frames, png) == [
        "1.2.3",
        None,
        None,
        None,
        None,
    ]
    assert of_each({"dicom": "NumberOfFrames"}, frames) == ["7"]


def test_albums_but_for_the_one_of_those_that_nobody_put_into_any():
    in_album, without = ready_image(album_id="knees"), ready_image()
    assert of_each({"album": True}, in_album, without) == ["knees", None]


def test_what_a_filename_captures():
    images = [
        ready_image(filename=name)
        for name in ("p1_left.png", "p1_right.png", "p2_a.png", "_x.png", 'p"\\3_x.png', "none.png")
    ]
    assert of_each({"filename": "^([^_]*)_"}, *images) == ["p1", "p1", "p2", None, 'p"\\3', None]


def test_copies_are_one_group():
    one, copy, other = ready_image(body=b"a"), ready_image(body=b"a"), ready_image(body=b"b")
    same, again, another = of_each({"sha256": True}, one, copy, other)
    assert same == again != another


def test_the_value_of_a_tag():
    one, blank, without = (ready_image() for _ in range(3))
    valued(one, "patient", " 7 ")
    valued(blank, "patient", "")
    valued(without, "doctor", "8")
    assert of_each({"tag": "patient"}, one, blank, without) == ["7", None, None]


def test_a_tag_is_known_by_its_aliases():
    make_tag("patient")
    image = valued(ready_image(), "patient no", "7")
    vocabulary.alias(make_tag("patient no"), make_tag("patient"), TESTS)
    assert of_each({"tag": "patient no"}, image) == ["7"]
    assert of_each({"tag": "patient"}, image) == ["7"]


def test_of_two_values_nobody_can_say_which_it_is():
    image = valued(valued(ready_image(), "patient", "7"), "patient no", "8")
    same = valued(valued(ready_image(), "patient", "7"), "patient no", "7 ")
    vocabulary.alias(make_tag("patient no"), make_tag("patient"), TESTS)
    assert of_each({"tag": "patient"}, image, same) == [AMBIGUOUS, "7"]


def test_an_expression_that_takes_for_ever_is_stopped_and_nothing_else(monkeypatch):
    monkeypatch.setattr(groups, "PATTERN_MS", 20)
    image = ready_image(filename=UNREPEATED)
    assert groups.read({"filename": HOSTILE}) == {"filename": HOSTILE}
    with pytest.raises(Refused, match="takes too long"):
        groups_of({"filename": HOSTILE}, image)
    # The transaction goes on.
    assert of_each({"filename": "(.)$"}, image) == [UNREPEATED[-1]]


def test_the_limit_of_an_expression_is_not_that_of_what_follows():
    with ExitStack() as stack:
        cursor = stack.enter_context(connection.cursor())
        cursor.execute("SHOW statement_timeout")
        before = cursor.fetchone()
        groups_of({"filename": "(a)"}, ready_image())
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == before
