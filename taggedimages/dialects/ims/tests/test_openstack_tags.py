"""PUT and DELETE /v2/images/{image_id}/tags/{tag}: the OpenStack form."""

from urllib.parse import quote

import pytest

from taggedimages.dialects.ims.tests.requests import error, held
from taggedimages.factories import TESTS, unknown_uuid
from tags import tagging


def url(image, tag):
    return f"/v2/images/{image.uuid}/tags/{quote(tag, safe='')}"


def test_adds_a_key_without_a_value(ims, image):
    response = ims.put(url(image, "reviewed"))
    assert (response.status_code, response.content) == (204, b"")
    assert held(image) == [("reviewed", "")]


def test_leaves_an_existing_value_alone(ims, image):
    tagging.set_values(image, {"modality": "mri"}, TESTS)
    assert ims.put(url(image, "modality")).status_code == 204
    assert held(image) == [("modality", "mri")]


@pytest.mark.parametrize("tag", ["t" * 255, "größe_9-x"])
def test_what_a_tag_may_be(ims, image, tag):
    assert ims.put(url(image, tag)).status_code == 204
    assert held(image) == [(tag, "")]


@pytest.mark.parametrize("tag", ["t" * 256, "a b", "a.b", "a=b", "a/b", " ", "a\0", "a\nb"])
def test_what_breaks_the_rules(ims, image, tag):
    response = ims.put(url(image, tag))
    assert (response.status_code, response.json()) == (400, error("IMG.0115", response))


def test_an_eleventh_key(ims, image):
    tagging.tag(image, [f"tag{n}" for n in range(10)], TESTS)
    assert ims.put(url(image, "tag3")).status_code == 204
    response = ims.put(url(image, "more"))
    assert (response.status_code, response.json()) == (400, error("IMG.0116", response))


@pytest.mark.parametrize("tag", ["modality", "modality=mri", "modality.mri"])
def test_removes_in_each_form(ims, image, tag):
    tagging.set_values(image, {"modality": "mri", "other": "mri"}, TESTS)
    assert ims.delete(url(image, tag)).status_code == 204
    assert held(image) == [("other", "mri")]


@pytest.mark.parametrize("tag", ["absent", "modality=ct", "modality.", "mri", "a\0", "=", "."])
def test_an_absent_tag(ims, image, tag):
    tagging.set_values(image, {"modality": "mri"}, TESTS)
    response = ims.delete(url(image, tag))
    assert (response.status_code, response.json()) == (404, error("IMG.0115", response))
    assert held(image) == [("modality", "mri")]


@pytest.mark.parametrize("tag", ["a.b", "a=b", "two words", "a/b", "x" * 160])
def test_any_key_that_another_api_made(ims, image, tag):
    tagging.tag(image, [tag], TESTS)
    assert ims.delete(url(image, tag)).status_code == 204
    assert held(image) == []


def test_a_whole_key_comes_before_a_key_and_a_value(ims, image):
    tagging.set_values(image, {"a": "b", "a.b": ""}, TESTS)
    ims.delete(url(image, "a.b"))
    assert held(image) == [("a", "b")]


@pytest.mark.parametrize("method", ["put", "delete"])
@pytest.mark.parametrize("id", [unknown_uuid(), "1"])
def test_an_unknown_image(ims, method, id):
    response = getattr(ims, method)(f"/v2/images/{id}/tags/a")
    assert (response.status_code, response.json()) == (404, error("IMG.0027", response))
