"""The staged upload: a record, a PUT straight to the store, and the file is found there."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from unittest.mock import ANY

import pytest
from django.db import connection
from django.utils import timezone

from images import deletion, keys, processing, storage, uploads
from images.models import Image
from taggedimages.factories import fetch, key_in, make_png, make_user, send
from taggedimages.identity.authors import Author

pytestmark = pytest.mark.django_db

PNG = make_png()
ABSENT = {"code": 409, "message": "The file has not arrived."}


@pytest.fixture
def begin(api):
    """Makes a record and returns it with its upload URL."""

    def make(**body):
        created = api.post("/v1/images", {"filename": "sun.png"} | body).json()
        return Image.objects.get(pk=created["id"]), created["upload_url"]

    return make


@pytest.fixture
def taken(begin):
    """An image whose file came by its upload URL and was found."""
    image, url = begin()
    send(url, PNG)
    return uploads.confirm(image), url


def read(api, image):
    return api.get(f"/v1/images/{image.pk}").json()


def complete(api, image, slash=""):
    return api.post(f"/v1/images/{image.pk}/complete{slash}")


# --- how the news comes --------------------------------------------------------------------------


@pytest.mark.parametrize("size", [{}, {"size": len(PNG)}])
def test_reading_a_pending_record_finds_its_file(api, begin, size):
    image, url = begin(tags=["sun"], **size)
    assert send(url, PNG) == 200
    record = read(api, image)
    assert record == {
        "id": image.pk,
        "created_by": "anonymous",
        "created_timestamp": int(image.created_at.timestamp()),
        "filename": "sun.png",
        "size": len(PNG),
        "tags": [{"id": ANY, "name": "sun"}],
        "uploaded_timestamp": ANY,
        "url": ANY,
        "visibility": "public",
    }
    assert record["created_timestamp"] <= record["uploaded_timestamp"]
    assert fetch(record["url"]) == PNG


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_client_can_say_that_it_is_done(api, begin, slash):
    image, url = begin()
    send(url, PNG)
    answer = complete(api, image, slash)
    assert answer.status_code == 200
    assert answer.json() == read(api, image) | {"url": ANY}
    assert fetch(answer.json()["url"]) == PNG


def test_saying_so_twice_changes_nothing(api, begin):
    image, url = begin()
    send(url, PNG)
    first, second = complete(api, image), complete(api, image)
    assert second.status_code == 200
    assert second.json() == first.json() | {"url": ANY}


def test_saying_so_too_early_is_a_conflict(api, begin):
    image, _ = begin()
    answer = complete(api, image)
    assert (answer.status_code, answer.json()) == (409, ABSENT)
    assert read(api, image)["uploaded_timestamp"] is None


@pytest.mark.parametrize(("id", "status"), [("999999999", 404), ("0", 404), ("abc", 400)])
def test_an_odd_id_cannot_be_completed(api, id, status):
    assert api.post(f"/v1/images/{id}/complete").status_code == status


def test_the_worker_finds_files_by_itself(begin):
    image, url = begin()
    send(url, PNG)
    sweep(image)
    assert image.uploaded_at is not None
    assert storage.read(image.key) == PNG


def test_the_worker_looks_again_while_nothing_has_come(begin):
    image, _ = begin()
    sweep(image)
    assert image.uploaded_at is None
    assert image.check_at > timezone.now()


def test_the_worker_gives_up_on_a_file_that_can_no_longer_come(begin):
    image, _ = begin()
    Image.objects.update(created_at=timezone.now() - timedelta(days=1))
    sweep(image)
    assert image.check_at is None


def test_lists_tell_only_what_is_known(api, begin):
    _, url = begin()
    send(url, PNG)
    (record,) = api.get("/v1/images").json()["results"]
    assert (record["uploaded_timestamp"], record["url"]) == (None, None)


# --- sizes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [PNG + b"!", PNG[:-1], b""])
def test_the_store_refuses_another_length_than_declared(api, begin, body):
    image, url = begin(size=len(PNG))
    assert send(url, body) == 403
    assert complete(api, image).json() == ABSENT


def test_an_empty_file_of_undeclared_size_is_a_file(api, begin):
    image, url = begin()
    send(url, b"")
    record = read(api, image)
    assert record["size"] == 0
    assert fetch(record["url"]) == b""


def test_a_file_of_the_wrong_size_is_never_taken_and_the_record_tells(api, begin):
    image, _ = begin(size=len(PNG))
    storage.put(image.key, b"four")
    why = f"size_mismatch: {len(PNG)} bytes were declared and 4 arrived"
    answer = complete(api, image)
    assert (answer.status_code, answer.json()) == (409, {"code": 409, "message": why})
    record = read(api, image)
    assert record["upload_error"] == why
    assert (record["size"], record["uploaded_timestamp"], record["url"]) == (len(PNG), None, None)
    assert api.get("/v1/images").json()["results"] == [record]


def test_the_right_file_heals_the_record(api, begin):
    image, url = begin(size=len(PNG))
    storage.put(image.key, b"four")
    complete(api, image)
    assert send(url, PNG) == 200
    record = complete(api, image).json()
    assert "upload_error" not in record
    assert fetch(record["url"]) == PNG


# --- what is taken stays -------------------------------------------------------------------------


def test_the_object_moves_out_of_reach_of_its_upload_url(taken):
    image, url = taken
    assert image.key == keys.archived(key_in(url))
    assert storage.head(key_in(url)) is None


def test_a_later_put_to_the_valid_url_changes_nothing(api, taken):
    image, url = taken
    before = read(api, image)
    assert send(url, b"another file") == 200
    complete(api, image)
    after = read(api, image)
    assert after == before | {"url": ANY}
    assert fetch(after["url"]) == PNG


def test_the_worker_removes_late_writes(taken):
    image, url = taken
    sweep(image)
    send(url, b"another file")
    sweep(image)
    assert storage.head(key_in(url)) is None
    assert storage.read(image.key) == PNG


def test_the_worker_looks_once_more_when_the_url_has_expired(taken):
    image, _ = taken
    sweep(image)
    assert image.check_at > image.upload_expires_at
    Image.objects.update(created_at=timezone.now() - timedelta(days=1))
    sweep(image)
    assert image.check_at is None


@pytest.mark.parametrize(
    "filename",
    [
        "été 100% +&?#.png",
        "a/b\\..\\c",
        "...",
        ".uploads",
        "a" * 160,
        "🦴" * 160,
        "'\"<>|*:;,=@$!~`^.png",
        "a\u2028\u202eb.png",
        "%2e%2e%2f.png",
    ],
)
def test_files_of_any_name_come_and_go(api, begin, filename):
    image, url = begin(filename=filename)
    assert send(url, PNG) == 200
    record = read(api, image)
    assert record["filename"] == filename
    assert fetch(record["url"]) == PNG


# --- at the same time ----------------------------------------------------------------------------


def test_a_record_that_is_deleted_while_its_file_is_taken_stays_deleted(begin, monkeypatch):
    image, url = begin()
    send(url, PNG)
    copy = storage.copy

    def copy_slowly(*args):
        deletion.delete(Image.objects.get())
        return copy(*args)

    monkeypatch.setattr(storage, "copy", copy_slowly)
    uploads.confirm(image)
    sweep(image)
    assert image.deleted_at is not None
    assert storage.head(image.key) is None


@pytest.mark.django_db(transaction=True)
def test_of_many_that_confirm_at_once_one_takes_the_file():
    image = uploads.begin("sun.png", None, Author(make_user(), "tests"))
    send(storage.presign_put(image.key), PNG)
    start = Barrier(4)

    def confirm(_):
        try:
            mine = Image.objects.get(pk=image.pk)
            start.wait()
            return uploads.confirm(mine)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        seen = list(threads.map(confirm, range(4)))
    image.refresh_from_db()
    assert {(one.key, one.uploaded_at) for one in seen} == {(image.key, image.uploaded_at)}
    assert storage.read(image.key) == PNG
    assert storage.head(keys.upload_key(image.key)) is None


def sweep(image: Image) -> None:
    """Let the worker look at an image now, and do all that it finds to do."""
    Image.objects.filter(pk=image.pk).update(check_at=timezone.now() - timedelta(minutes=1))
    assert processing.sweep() >= 1
    image.refresh_from_db()
