"""Nothing that a client was given changes what is served once it is confirmed."""

import base64
import hashlib
import itertools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
import requests
from django.conf import settings
from django.db import connection
from django.utils import timezone

from images import (
    arrivals,
    deletion,
    keys,
    part_uploads,
    processing,
    staged_uploads,
    storage,
    uploads,
)
from images.models import Image
from taggedimages.factories import TESTS, fetch, make_png

pytestmark = pytest.mark.django_db

PNG, OTHER = make_png(), make_png(color="#993366")
OTHER = OTHER[: len(PNG)].ljust(len(PNG), b"\0")
Write = Callable[[bytes], object]


@pytest.fixture(autouse=True)
def _open(settings, own_bucket):
    settings.ANONYMOUS = "open"


def put(url: str, body: bytes, **headers: str) -> requests.Response:
    return requests.put(url, data=body, headers=headers, timeout=10)


# --- what is handed out --------------------------------------------------------------------------
# Each makes a confirmed image, and returns its id and how its sender may try to write again.


def by_put(api, **body: Any) -> tuple[int, list[Write]]:
    created = api.post("/v1/images", {"filename": "sun.png"} | body).json()
    url = created["upload_url"]
    assert put(url, PNG).status_code == 200
    assert api.post(f"/v1/images/{created['id']}/complete").status_code == 200
    return created["id"], [lambda body: put(url, body)]


def by_put_of_declared_size(api) -> tuple[int, list[Write]]:
    return by_put(api, size=len(PNG))


def in_one_request(api) -> tuple[int, list[Write]]:
    body = {"filename": "sun.png", "image_data": base64.b64encode(PNG).decode()}
    created = api.post("/v1/upload", body).json()
    url = created["upload_url"]

    def obeying(body: bytes) -> None:
        for sent in (body, PNG):
            digest = base64.b64encode(hashlib.sha256(sent).digest()).decode()
            put(url, body, **{"If-None-Match": "*", "x-amz-checksum-sha256": digest})

    return created["id"], [lambda body: put(url, body), obeying]


def in_parts(api) -> tuple[int, list[Write]]:
    created = api.post("/v1/images", {"filename": "sun.png", "size": len(PNG), "parts": 1}).json()
    url, path = created["parts"][0]["url"], f"/v1/images/{created['id']}/complete"

    def complete(etag: str) -> int:
        parts = [{"number": 1, "etag": etag}]
        answer = api.post(path, {"upload_id": created["upload_id"], "parts": parts})
        return int(answer.status_code)

    def again(body: bytes) -> None:
        etag = put(url, body).headers.get("ETag") or f'"{hashlib.md5(body).hexdigest()}"'
        complete(etag)

    assert complete(put(url, PNG).headers["ETag"]) == 200
    return created["id"], [again]


def by_form(api) -> tuple[int, list[Write]]:
    image = staged_uploads.announce("sun.png", None, "mine", TESTS)
    url, fields = storage.presign_post(image.key, "image/png")

    def post(body: bytes) -> None:
        requests.post(url, fields, files={"file": ("x.png", body)}, timeout=10)

    post(PNG)
    staged_uploads.claim(image)
    return image.pk, [post]


WAYS = [by_put, by_put_of_declared_size, in_one_request, in_parts, by_form]

# --- how the service may be told of it ------------------------------------------------------------


def nothing(api, image: Image) -> None:
    pass


def completion(api, image: Image) -> None:
    api.post(f"/v1/images/{image.pk}/complete")


def reading(api, image: Image) -> None:
    api.get(f"/v1/images/{image.pk}")


def events(api, image: Image) -> None:
    for key in (image.key, keys.upload_key(image.key)):
        record = {"s3": {"bucket": {"name": settings.S3_BUCKET}, "object": {"key": key}}}
        secret = {"X-Hook-Secret": settings.HOOK_SECRET}
        answer = api.post("/v1/hooks/s3", {"Records": [record]}, headers=secret)
        assert answer.status_code == 204


def worker(api, image: Image) -> None:
    arrivals.Arrivals()()
    processing.sweep()


def claim(api, image: Image) -> None:
    staged_uploads.claim(image)


def reprocessing(api, image: Image) -> None:
    processing.reprocess(Image.objects.filter(pk=image.pk))
    processing.sweep()


NEWS = [nothing, completion, reading, events, worker, claim, reprocessing]


@pytest.mark.parametrize("way", WAYS)
def test_what_is_sent_after_confirmation_is_never_served(api, way):
    number, writes = way(api)
    processing.sweep()
    before = state(number)
    assert before[:2] == (len(PNG), hashlib.sha256(PNG).hexdigest())
    url = api.get(f"/v1/images/{number}").json()["url"]
    for write in writes:
        for news, body in itertools.product(NEWS, (OTHER, OTHER + b"!", b"")):
            write(body)
            assert fetch(url) == PNG
            news(api, Image.objects.get(pk=number))
    assert state(number) == before
    assert fetch(api.get(f"/v1/images/{number}").json()["url"]) == PNG


@pytest.mark.parametrize("way", WAYS)
def test_what_is_sent_after_the_deletion_goes_for_good(api, way):
    number, writes = way(api)
    image = Image.objects.get(pk=number)
    deletion.delete(image)
    processing.sweep()
    for write in writes:
        write(PNG)
    Image.objects.filter(pk=number).update(
        created_at=timezone.now() - timedelta(days=1), check_at=timezone.now()
    )
    processing.sweep()
    assert list(storage.objects()) == []


def test_an_upload_that_ends_long_after_its_url_is_removed_too(api):
    number, _ = by_put(api)
    processing.sweep()
    image = Image.objects.get(pk=number)
    assert image.check_at
    assert image.check_at > image.upload_expires_at + uploads.UPLOAD_GRACE


def state(number: int) -> tuple[int, str | None, str, object]:
    image = Image.objects.select_related("facts").get(pk=number)
    return image.size, image.facts.sha256_hex, image.key, image.uploaded_at


# --- at the same time -----------------------------------------------------------------------------


def test_what_is_taken_is_what_was_looked_at(api, monkeypatch):
    """A file that is replaced between the look and the copy is not taken at that look."""
    created = api.post("/v1/images", {"filename": "sun.png"}).json()
    put(created["upload_url"], PNG)
    copy = storage.copy

    def replaced(*args):
        put(created["upload_url"], OTHER + b"!")
        return copy(*args)

    monkeypatch.setattr(storage, "copy", replaced)
    assert api.post(f"/v1/images/{created['id']}/complete").status_code == 409
    monkeypatch.setattr(storage, "copy", copy)
    record = api.post(f"/v1/images/{created['id']}/complete").json()
    assert record["size"] == len(OTHER) + 1
    assert fetch(record["url"]) == OTHER + b"!"


@pytest.mark.django_db(transaction=True)
def test_of_two_completions_with_different_parts_one_is_taken(monkeypatch):
    upload = part_uploads.plan("sun.png", len(PNG), 1, TESTS)
    part_uploads.save(upload)
    url = part_uploads.urls(upload)[1]
    etags = [put(url, body).headers["ETag"] for body in (OTHER, PNG)]
    start, complete_parts = Barrier(2), storage.complete_parts
    within = most = 0

    def complete_slowly(*args: Any) -> bool:
        nonlocal within, most
        within += 1
        most = max(most, within)
        time.sleep(0.3)
        try:
            return complete_parts(*args)
        finally:
            within -= 1

    def complete(etag: str) -> None:
        try:
            start.wait()
            mine = Image.objects.get(pk=upload.image.pk)
            part_uploads.complete(mine, upload.upload_id, [(1, etag)])
        except (part_uploads.NotUnderWay, storage.PartsRefused):
            pass
        finally:
            connection.close()

    monkeypatch.setattr(storage, "complete_parts", complete_slowly)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(complete, etags))
    assert most == 1
    assert storage.read(upload.image.key) in (PNG, OTHER)
    assert Image.objects.get().uploaded_at
