"""GET /tags/autocomplete."""

import pytest

from taggedimages.factories import (
    make_spare_tags,
    make_tag,
)
from taggedimages.tests.explaining import explained

from .conftest import names

pytestmark = pytest.mark.django_db
URL = "/api/v1/tags"
NAMED = {"knee": {"en": "Knee", "fr": "Genou"}, "skin": {}}


def test_completion_answers_short_tags(admin):
    tag = make_tag("knee", color="#FFEB3B", label_fr="genou")
    assert admin.get(f"{URL}/autocomplete", {"q": "NE"}).json() == [
        {
            "id": str(tag.uuid),
            "name": "knee",
            "color": "#FFEB3B",
            "color_contrast": "#000000",
            "label_en": "knee",
            "label_fr": "genou",
        }
    ]


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("", ["100% a_b", "Knee", "skin"]),
        ("K", ["Knee", "skin"]),
        ("%", ["100% a_b"]),
        ("_", ["100% a_b"]),
        ("\\", []),
        ("x", []),
    ],
)
def test_completion_finds_a_part_of_the_name_in_any_case(admin, q, found):
    for name in ("skin", "Knee", "100% a_b"):
        make_tag(name)
    assert names(admin.get(f"{URL}/autocomplete", {"q": q})) == found


def test_completion_is_filtered_by_flags(admin):
    make_tag("listed")
    make_tag("unlisted", listed=False, visible=True)
    assert names(admin.get(f"{URL}/autocomplete", {"filters": '{"listed": true}'})) == ["listed"]
    both = '{"listed": false, "visible": true}'
    assert names(admin.get(f"{URL}/autocomplete", {"q": "l", "filters": both})) == ["unlisted"]
    assert len(names(admin.get(f"{URL}/autocomplete", {"filters": ""}))) == 2


@pytest.mark.parametrize(
    ("q", "index"), [("a", "tag_by_name"), ("spa", "tag_by_name"), ("dcb", "tag_folded_part")]
)
def test_completion_looks_no_further_than_it_shows(admin, q, index):
    make_spare_tags(20_000)
    lookup = explained(lambda: admin.get(f"{URL}/autocomplete", {"q": q}))[-1]
    assert index in lookup.indexes
    # There are no images here, and to read all of none is right.
    assert "tags_tag" not in lookup.scanned
    assert lookup.rows({"tags_tag"}) < 1_000


@pytest.mark.parametrize("filters", ["{", "[]", "7", "[" * 7000, "x" * 9000, '{"listed": NaN}'])
def test_filters_that_are_no_json_object_are_a_400(admin, filters):
    assert admin.get(f"{URL}/autocomplete", {"filters": filters}).status_code == 400


@pytest.mark.parametrize("q", ["a\0", "x" * 300])
def test_a_text_that_cannot_be_in_a_name_is_a_400(admin, q):
    assert admin.get(f"{URL}/autocomplete", {"q": q}).status_code == 400
