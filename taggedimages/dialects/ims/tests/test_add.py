"""POST /v2/{project_id}/images/{image_id}/tags and the rules of keys and values."""

import pytest

from taggedimages.dialects.ims.tests.requests import error, held, tags_url
from taggedimages.factories import TESTS
from tags import history, tagging
from tags.models import ImageTag


def add(ims, image, **tag):
    return ims.post(tags_url(image), {"tag": tag})


def test_adds(ims, image):
    response = add(ims, image, key="modality", value="mri")
    assert (response.status_code, response.content) == (204, b"")
    assert held(image) == [("modality", "mri")]


def test_an_existing_key_gets_the_new_value_and_keeps_its_link(ims, image):
    add(ims, image, key="modality", value="mri")
    link = ImageTag.objects.get()
    add(ims, image, key="modality", value="ct")
    assert held(image) == [("modality", "ct")]
    assert ImageTag.objects.get().uuid == link.uuid


def test_the_same_key_and_value_change_nothing(ims, image):
    add(ims, image, key="modality", value="mri")
    assert add(ims, image, key="modality", value="mri").status_code == 204
    assert history.of_image(image.pk).count() == 1


def test_the_ledger_says_who_and_through_what(ims, image, ada):
    add(ims, image, key="modality", value="mri")
    change = history.of_image(image.pk).get()
    assert (change.user_id, change.through, change.new_value) == (ada.user_id, "ims", "mri")


def test_keys_are_case_sensitive(ims, image):
    add(ims, image, key="Modality", value="MRI")
    add(ims, image, key="modality", value="mri")
    assert held(image) == [("Modality", "MRI"), ("modality", "mri")]


def test_spaces_at_both_ends_are_removed(ims, image):
    add(ims, image, key="  body part ", value=" left knee  ")
    assert held(image) == [("body part", "left knee")]


@pytest.mark.parametrize(
    "tag",
    [
        {"key": "k" * 36, "value": "v" * 43},
        {"key": "k", "value": ""},
        {"key": "k", "value": "   "},
        {"key": "ключ=1.2/3 🩻", "value": "wert\u200d.=/"},
        {"key": " " + "k" * 36 + " ", "value": ""},
    ],
)
def test_what_a_tag_may_be(ims, image, tag):
    assert add(ims, image, **tag).status_code == 204
    assert held(image) == [(tag["key"].strip(), tag["value"].strip())]


@pytest.mark.parametrize(
    "tag",
    [
        {"key": "k" * 37, "value": ""},
        {"key": "k", "value": "v" * 44},
        {"key": "", "value": ""},
        {"key": "   ", "value": ""},
        {"key": None, "value": ""},
        {"value": ""},
        {"key": "k", "value": None},
        {"key": "k"},
        {"key": "a\nb", "value": ""},
        {"key": "a\0b", "value": ""},
        {"key": "k", "value": "a\tb"},
        {"key": "k", "value": "a\u2028b"},
    ],
)
def test_what_breaks_the_rules(ims, image, tag):
    response = add(ims, image, **tag)
    assert response.status_code == 400
    assert response.json() == error("IMG.0115", response)
    assert held(image) == []


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"1",
        b"null",
        b"{}",
        b'{"tag": null}',
        b'{"tag": []}',
        b'{"tag": "a.b"}',
        b'{"tag": {"key": 1, "value": "x"}}',
        b'{"tag": {"key": true, "value": "x"}}',
        b'{"tag": {"key": ["k"], "value": "x"}}',
        b'{"tag": {"key": "k", "value": 1}}',
        b'{"tag": {"key": "k", "value": {}}}',
        b'{"tag": {"key": "", "value": 1}}',
        b'{"tag": {"key": "k", "value": NaN}}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_what_has_the_wrong_shape(ims, image, body):
    response = ims.post(tags_url(image), body, content_type="application/json")
    assert response.status_code == 400
    assert response.json() == error("IMG.0001", response)


def test_half_a_surrogate_pair(ims, image):
    body = b'{"tag": {"key": "\\ud800", "value": ""}}'
    response = ims.post(tags_url(image), body, content_type="application/json")
    assert (response.status_code, response.json()) == (400, error("IMG.0115", response))


@pytest.mark.parametrize("body", [b"", b" \n"])
def test_an_empty_body(ims, image, body):
    response = ims.post(tags_url(image), body, content_type="application/json")
    assert response.status_code == 400
    assert response.json() == error("IMG.0007", response)


@pytest.mark.parametrize(
    "content_type",
    ["application/json;charset=UTF-8", "text/plain", "application/x-www-form-urlencoded", "what"],
)
def test_a_body_is_json_whatever_it_is_called(ims, image, content_type):
    body = b'{"tag": {"key": "k", "value": "v"}}'
    assert ims.post(tags_url(image), body, content_type=content_type).status_code == 204
    assert held(image) == [("k", "v")]


def test_an_eleventh_key(ims, image):
    tagging.tag(image, [f"tag{n}" for n in range(10)], TESTS)
    response = add(ims, image, key="more", value="")
    assert response.status_code == 400
    assert response.json() == error("IMG.0116", response)
    assert len(held(image)) == 10


def test_an_image_with_more_keys_may_have_them_replaced_and_removed(ims, image):
    tagging.tag(image, [f"tag{n}" for n in range(12)], TESTS)
    assert add(ims, image, key="tag3", value="new").status_code == 204
    assert ("tag3", "new") in held(image)
    assert ims.delete(tags_url(image, "tag3")).status_code == 204
    assert add(ims, image, key="tag3", value="new").status_code == 400
