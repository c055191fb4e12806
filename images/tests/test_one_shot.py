"""POST /v1/upload: a small image and its record in one request."""

import base64
import hashlib
import re
from unittest.mock import ANY

import pytest
import requests

from images import storage
from images.models import Image
from images.tests.test_keys import UUID4
from taggedimages.factories import fetch, key_in, make_credentials, make_png, send
from tags.models import Tag

pytestmark = pytest.mark.django_db

PNG = make_png()
DICOM = b"\0" * 128 + b"DICM" + bytes(range(256))
# 3.96 MB, a MB counted as 1024².
LIMIT = 4_152_360
TOO_LARGE = {"code": 413, "message": f"The body is too large: at most {LIMIT} bytes."}


def coded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def upload(api, **body):
    body = {"filename": "sun.png", "image_data": coded(PNG)} | body
    return api.post("/v1/upload", body)


def body_of(length: int) -> bytes:
    """A good body of exactly so many bytes, padded with blanks."""
    start, end = b'{"filename": "sun.png", "image_data": "', b'"}'
    data = b"A" * ((length - len(start) - len(end)) // 4 * 4)
    return start + data + end + b" " * (length - len(start) - len(data) - len(end))


def test_answers_the_record_and_an_upload_url(api_as):
    answer = upload(api_as(make_credentials("mira")), tags=["sun", "sky", "sun"])
    image = Image.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "id": image.pk,
        "created_by": "mira",
        "created_timestamp": int(image.created_at.timestamp()),
        "filename": "sun.png",
        "size": len(PNG),
        "tags": [
            {"id": Tag.objects.get(name="sun").pk, "name": "sun"},
            {"id": Tag.objects.get(name="sky").pk, "name": "sky"},
        ],
        "uploaded_timestamp": ANY,
        "url": ANY,
        "visibility": "public",
        "upload_url": ANY,
    }
    assert answer.json()["uploaded_timestamp"] >= answer.json()["created_timestamp"]


def test_the_record_is_read_back_as_it_was_answered(api):
    answered = upload(api).json()
    del answered["upload_url"]
    assert api.get(f"/v1/images/{answered['id']}").json() == answered | {"url": ANY}
    assert api.get("/v1/images?uploaded_only=1").json()["results"] == [answered | {"url": ANY}]


def test_the_key_starts_with_the_date_and_ends_with_the_filename(api):
    url = upload(api).json()["url"]
    date = Image.objects.get().created_at
    assert re.fullmatch(rf"{date:%Y/%m/%d/%H-%M}-{UUID4}/sun\.png", key_in(url))


def put_back(url: str, body: bytes) -> int:
    digest = base64.b64encode(hashlib.sha256(PNG).digest()).decode()
    headers = {"If-None-Match": "*", "x-amz-checksum-sha256": digest}
    return requests.put(url, data=body, headers=headers, timeout=10).status_code


def test_the_upload_url_is_for_the_same_key_and_replaces_nothing(api):
    answer = upload(api).json()
    assert key_in(answer["upload_url"]) == key_in(answer["url"])
    for body in (PNG, PNG[::-1], PNG + b"!"):
        assert send(answer["upload_url"], body) == 403
    assert put_back(answer["upload_url"], PNG) == 412
    assert fetch(answer["url"]) == PNG


def test_the_upload_url_puts_back_what_the_store_lost_and_nothing_else(api):
    answer = upload(api).json()
    storage.delete(key_in(answer["url"]))
    assert send(answer["upload_url"], PNG) == 403
    assert put_back(answer["upload_url"], PNG[::-1]) == 400
    assert storage.head(key_in(answer["url"])) is None
    assert put_back(answer["upload_url"], PNG) == 200
    assert fetch(answer["url"]) == PNG


@pytest.mark.parametrize("data", [PNG, DICOM, b"\0", b"no image at all"])
def test_any_bytes_are_kept_as_they_are(api, data):
    answer = upload(api, image_data=coded(data)).json()
    assert answer["size"] == len(data)
    assert fetch(answer["url"]) == data


def test_line_breaks_and_blanks_are_allowed(api):
    lines = base64.encodebytes(DICOM).decode().replace("\n", "\r\n")
    answer = upload(api, image_data=f"  {lines}\t\n")
    assert fetch(answer.json()["url"]) == DICOM


@pytest.mark.parametrize(
    ("image_data", "why"),
    [
        ("", "This field may not be blank."),
        ("   \n", "The image is empty."),
        ("====", "Not standard base64."),
        ("YWJj*", "Not standard base64."),
        ("YWJ", "Not standard base64."),
        ("YWJjZ", "Not standard base64."),
        ("YQ==YQ==", "Not standard base64."),
        ("__--", "Not standard base64."),
        ("data:image/png;base64,YWJj", "Not standard base64."),
        ("été=", "Not standard base64."),
        (None, "This field may not be null."),
        (1234, "Not a valid string."),
        (12.5, "Not a valid string."),
        (True, "Not a valid string."),
        (["YWJj"], "Not a valid string."),
    ],
)
def test_bad_image_data_is_refused(api, image_data, why):
    answer = upload(api, image_data=image_data)
    assert answer.status_code == 400
    assert answer.json() == {
        "code": 400,
        "message": f"image_data: {why}",
        "errors": [f"image_data: {why}"],
    }
    assert not Image.objects.exists()


def test_filename_and_data_are_required(api):
    answer = api.post("/v1/upload", {})
    assert answer.status_code == 400
    assert answer.json()["errors"] == [
        "filename: This field is required.",
        "image_data: This field is required.",
    ]


@pytest.mark.parametrize("body", [{"filename": "ab"}, {"filename": 5}, {"tags": [""]}, {"tags": 1}])
def test_filename_and_tags_follow_the_rules_of_post_images(api, body):
    assert upload(api, **body).status_code == 400
    assert not Tag.objects.exists()


@pytest.mark.parametrize("size", [1, 0, -5, "odd", None])
def test_size_is_ignored(api, size):
    answer = upload(api, size=size)
    assert (answer.status_code, answer.json()["size"]) == (201, len(PNG))


def test_a_filename_longer_than_the_store_takes_is_kept(api):
    answer = upload(api, filename="🦴" * 160)
    assert answer.json()["filename"] == "🦴" * 160
    assert fetch(answer.json()["url"]) == PNG


@pytest.mark.parametrize("path", ["/v1/upload", "/v1/upload/"])
def test_a_body_of_exactly_the_limit_is_taken(api, path):
    answer = api.post(path, body_of(LIMIT), content_type="application/json")
    assert answer.status_code == 201
    stored = storage.read(Image.objects.get().key)
    assert answer.json()["size"] > 3_100_000
    assert stored == b"\0" * answer.json()["size"]


@pytest.mark.parametrize("path", ["/v1/upload", "/v1/upload/"])
def test_one_byte_more_is_413(api, path):
    answer = api.post(path, body_of(LIMIT + 1), content_type="application/json")
    assert (answer.status_code, answer.json()) == (413, TOO_LARGE)
    assert not Image.objects.exists()


def test_only_post_is_answered(api):
    answer = api.get("/v1/upload")
    assert answer.status_code == 405
    assert answer.json() == {"code": 405, "message": 'Method "GET" not allowed.'}
    assert answer.headers["Allow"] == "POST, OPTIONS"
