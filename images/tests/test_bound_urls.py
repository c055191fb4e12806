"""Presigned PUTs take only what they were bound to: length, type, checksum."""

import hashlib

import pytest
import requests

from taggedimages.factories import make_png

pytestmark = pytest.mark.django_db

BODY = make_png()
DIGEST = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def bound(api, settings):
    settings.ANONYMOUS = "open"
    body = {"filename": "a.png", "size": len(BODY), "content_type": "image/png", "sha256": DIGEST}
    return api.post("/v1/images", body).json()


def put(bound, body, **headers):
    return requests.put(
        bound["upload_url"], data=body, headers=bound["upload_headers"] | headers, timeout=10
    )


def test_the_answer_says_what_to_send(api, bound):
    assert bound["upload_headers"].keys() == {"Content-Type", "x-amz-checksum-sha256"}
    assert put(bound, BODY).status_code == 200
    assert api.post(f"/v1/images/{bound['id']}/complete").status_code == 200


def test_other_bytes_are_refused_by_the_store(bound):
    assert put(bound, BODY[:-1] + b"!").status_code == 400


def test_another_type_is_refused_by_the_store(bound):
    assert put(bound, BODY, **{"Content-Type": "text/html"}).status_code == 403


def test_another_checksum_is_refused_by_the_store(bound):
    assert put(bound, BODY, **{"x-amz-checksum-sha256": "x" * 43 + "="}).status_code == 403


def test_another_length_is_refused_by_the_store(bound):
    assert put(bound, BODY + b"!").status_code == 403


@pytest.mark.parametrize(
    "asked",
    [
        {"content_type": "png"},
        {"content_type": "image/png\r\nX-Evil: 1"},
        {"content_type": ["image/png"]},
        {"sha256": "00"},
        {"sha256": "g" * 64},
        {"sha256": 1},
        {"sha256": DIGEST, "parts": 1, "size": 9},
    ],
)
def test_what_cannot_be_bound_is_a_bad_request(api, settings, asked):
    settings.ANONYMOUS = "open"
    assert api.post("/v1/images", {"filename": "a.png"} | asked).status_code == 400


@pytest.mark.parametrize("blank", ["", "  "])
def test_an_empty_type_or_checksum_binds_nothing(api, settings, blank):
    settings.ANONYMOUS = "open"
    body = {"filename": "a.png", "content_type": blank, "sha256": blank}
    created = api.post("/v1/images", body)
    assert (created.status_code, created.json().keys()) == (201, {"id", "upload_url"})
    free = created.json() | {"upload_headers": {}}
    assert put(free, BODY, **{"Content-Type": "image/png"}).status_code == 200
