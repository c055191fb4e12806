"""Of what uploaders set as headers, nothing survives on the file that is served."""

import base64
import gzip
import hashlib
from typing import Any

import pytest
import requests
from boto3.s3.transfer import TransferConfig
from django.conf import settings

from images import part_uploads, processing, staged_uploads, storage, uploads
from images.models import Image
from images.storage import bucket, client
from taggedimages.factories import TESTS, make_png

pytestmark = pytest.mark.django_db

MIB = 1024**2
PNG = make_png()
ZIPPED = gzip.compress(b"<script>alert(1)</script>")
HEADERS = {
    "Content-Type": "text/html",
    "Content-Disposition": "inline",
    "Content-Encoding": "gzip",
    "Content-Language": "xx",
    "Cache-Control": "max-age=31536000",
    "Expires": "Thu, 01 Dec 2050 16:00:00 GMT",
}
# What the embedded store takes from nobody whose URL does not name it; others may.
FIELDS: dict[str, Any] = {
    "ContentType": "text/html",
    "ContentEncoding": "gzip",
    "CacheControl": "max-age=31536000",
    "Metadata": {"owner": "me"},
    "Tagging": "expire=soon",
    "WebsiteRedirectLocation": "/elsewhere",
    "StorageClass": "REDUCED_REDUNDANCY",
    "ACL": "public-read",
}
SAID = ("ContentEncoding", "ContentDisposition", "ContentLanguage", "CacheControl", "ExpiresString")


def check_bare(image: Image, **own: str) -> None:
    """Fail unless the object has bytes, our own type and metadata, and nothing else."""
    where: Any = {"Bucket": settings.S3_BUCKET, "Key": image.key}
    seen = client.store().head_object(**where)
    assert seen["ContentType"] == "binary/octet-stream"
    assert [name for name in (*SAID, "WebsiteRedirectLocation") if seen.get(name)] == []
    assert seen["Metadata"] == own
    assert client.store().get_object_tagging(**where)["TagSet"] == []


def taken(body: bytes, **headers: str) -> Image:
    image = uploads.begin("sun.html", len(body), TESTS)
    url = storage.presign_put(image.key, len(body))
    assert requests.put(url, data=body, headers=headers, timeout=10).status_code == 200
    return uploads.arrived(image)


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_of_a_put(name):
    check_bare(taken(PNG, **{name: HEADERS[name]}))


@pytest.mark.parametrize("encoding", ["deflate", "br", "zstd", "aws-chunked", "nonsense"])
def test_no_encoding_is_believed(api, encoding):
    image = taken(PNG, **{"Content-Encoding": encoding})
    check_bare(image)
    url = api.get(f"/v1/images/{image.pk}").json()["url"]
    assert requests.get(url, timeout=10).content == PNG


@pytest.mark.parametrize("name", FIELDS)
def test_what_another_store_may_have_taken(name):
    image = uploads.begin("sun.html", None, TESTS)
    where: Any = {"Bucket": settings.S3_BUCKET, "Key": image.key, "Body": PNG}
    client.store().put_object(**where, **{name: FIELDS[name]})
    check_bare(uploads.arrived(image))


def test_an_object_that_is_copied_in_parts(monkeypatch):
    in_parts = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
    monkeypatch.setattr(bucket, "MAX_SINGLE_COPY_BYTES", 5 * MIB)
    monkeypatch.setattr(bucket, "IN_PARTS", in_parts)
    body = PNG.ljust(6 * MIB, b"\0")
    image = taken(body, **HEADERS)
    assert image.size == 6 * MIB
    check_bare(image, **{"md5-of-source": hashlib.md5(body).hexdigest()})


def test_parts():
    upload = part_uploads.plan("sun.html", len(PNG), 1, TESTS)
    part_uploads.save(upload)
    sent = requests.put(part_uploads.urls(upload)[1], data=PNG, headers=HEADERS, timeout=10)
    parts = [(1, sent.headers["ETag"])]
    check_bare(part_uploads.complete(upload.image, upload.upload_id, parts))


# AWS takes no field that the policy does not name; the embedded store takes these.
UNNAMED_FIELDS = {
    "acl": "public-read",
    "Content-Encoding": "gzip",
    "Cache-Control": "max-age=31536000",
    "tagging": "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>",
    "bucket": "another-bucket",
}


@pytest.mark.parametrize("name", ["", *UNNAMED_FIELDS])
def test_a_field_of_a_form(name):
    image = staged_uploads.announce("sun.html", len(PNG), "mine", TESTS)
    url, given = storage.presign_post(image.key, "image/png", len(PNG))
    fields = given | ({name: UNNAMED_FIELDS[name]} if name else {})
    answer = requests.post(url, fields, files={"file": ("x", PNG)}, timeout=10)
    assert answer.status_code == 201
    image = staged_uploads.claim(image)
    check_bare(image)
    unsigned = storage.presign_get(image.key).partition("?")[0]
    assert requests.get(unsigned, timeout=10).status_code == 403


def test_a_page_that_says_it_is_one_is_only_ever_saved(api):
    record = api.get(f"/v1/images/{taken(ZIPPED, **HEADERS).pk}").json()
    for _ in range(2):
        answer = requests.get(record["url"], timeout=10)
        assert answer.content == ZIPPED
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert not answer.headers.keys() & {"Content-Encoding", "Cache-Control", "Expires"}
        processing.sweep()
        record = api.get(f"/v1/images/{record['id']}").json()


def test_a_picture_that_says_it_is_a_page_is_shown_as_what_it_is(api):
    image = taken(PNG, **HEADERS)
    processing.sweep()
    answer = requests.get(api.get(f"/v1/images/{image.pk}").json()["url"], timeout=10)
    assert answer.content == PNG
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Content-Disposition"].startswith("inline")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "nonsense"])
def test_what_lies_where_others_put_it_is_read_as_it_is(api, encoding):
    body = {"filename": "sun.png", "image_data": base64.b64encode(PNG).decode()}
    record = api.post("/v1/upload", body).json()
    image = Image.objects.get(pk=record["id"])
    assert not image.is_archived
    storage.delete(image.key)
    sent = {
        "If-None-Match": "*",
        "Content-Encoding": encoding,
        "x-amz-checksum-sha256": base64.b64encode(hashlib.sha256(PNG).digest()).decode(),
    }
    put = requests.put(record["upload_url"], data=PNG, headers=sent, timeout=10)
    assert put.status_code == 200
    for _ in range(2):
        for answer in (api.get(f"/v1/images/{image.pk}"), api.get("/v1/images")):
            shown = answer.json()
            url = shown["results"][0]["url"] if "results" in shown else shown["url"]
            assert requests.get(url, timeout=10).content == PNG
        processing.sweep()
    assert Image.objects.get(pk=image.pk).state == "ready"
