"""DELETE /v2/{project_id}/images/{image_id}/tags/{key}."""

from urllib.parse import quote

import pytest

from taggedimages.dialects.ims.tests.requests import error, held, tags_url
from taggedimages.factories import TESTS
from tags import tagging
from tags.models import ImageTag, Tag


def remove(ims, image, key):
    return ims.delete(tags_url(image, quote(key, safe="")))


def test_removes_the_link_and_leaves_the_tag(ims, image):
    tagging.set_values(image, {"a": "1", "b": ""}, TESTS)
    response = remove(ims, image, "a")
    assert (response.status_code, response.content) == (204, b"")
    assert held(image) == [("b", "")]
    assert Tag.objects.filter(name="a").exists()


@pytest.mark.parametrize("key", ["absent", "A", "a\0", "x" * 300])
def test_an_absent_key(ims, image, key):
    tagging.tag(image, ["a"], TESTS)
    response = remove(ims, image, key)
    assert (response.status_code, response.json()) == (404, error("IMG.0115", response))
    assert held(image) == [("a", "")]


def test_it_is_not_idempotent(ims, image):
    tagging.tag(image, ["a"], TESTS)
    assert [remove(ims, image, "a").status_code for _ in range(2)] == [204, 404]


@pytest.mark.parametrize(
    "key",
    [
        "a/b",
        "/a//b/",
        "two words",
        "100%",
        "%2F",
        "ключ",
        "🩻",
        "a?b#c&d=e;f",
        "~+.,:@!$'()*",
        "action",
        "line\nbreak",
        " kept with spaces ",
        "x" * 160,
    ],
)
def test_any_key_that_was_made_otherwise(ims, image, key):
    # Some of them no API makes any more.
    ImageTag.objects.create(image=image, tag=Tag.objects.create(name=key))
    assert remove(ims, image, key).status_code == 204
    assert held(image) == []


def test_spaces_at_both_ends_are_removed(ims, image):
    tagging.tag(image, ["a"], TESTS)
    assert remove(ims, image, " a ").status_code == 204


def test_slashes_need_no_encoding(ims, image):
    tagging.tag(image, ["a/b"], TESTS)
    assert ims.delete(tags_url(image, "a/b")).status_code == 204
