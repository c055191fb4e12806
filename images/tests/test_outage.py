"""When the object store is away: what needs it says so, everything else goes on."""

import socket
from base64 import b64encode
from unittest.mock import ANY

import pytest

from images import events, processing, uploads
from images.models import Image
from taggedimages.factories import TESTS, make_image

pytestmark = pytest.mark.django_db

UNAVAILABLE = {"code": 503, "message": "The object store is unavailable."}


@pytest.fixture
def outage(settings):
    """The store's address is a port where nobody listens."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        settings.S3_ENDPOINT_URL = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        yield


@pytest.fixture
def pending():
    return uploads.begin("sun.png", None, TESTS)


def assert_unavailable(answer):
    assert (answer.status_code, answer.json()) == (503, UNAVAILABLE)
    assert answer.headers["Retry-After"] == "2"


@pytest.mark.usefixtures("outage")
def test_a_one_shot_upload_is_refused_and_leaves_no_record(api):
    body = {"filename": "sun.png", "image_data": b64encode(b"sun").decode(), "tags": ["sun"]}
    assert_unavailable(api.post("/v1/upload", body))
    assert not Image.objects.exists()


def test_completing_is_refused(api, pending, outage):
    assert_unavailable(api.post(f"/v1/images/{pending.pk}/complete"))


def test_an_event_is_refused_so_that_the_store_sends_it_again(api, pending, outage, settings):
    settings.HOOK_SECRET = "secret"
    key, bucket = pending.key, settings.S3_BUCKET
    event = {"Records": [{"s3": {"bucket": {"name": bucket}, "object": {"key": key}}}]}
    assert events.objects_in(event) == [(bucket, key)]
    assert_unavailable(api.post("/v1/hooks/s3?secret=secret", event))


def test_a_pending_record_is_read_as_it_was(api, pending, outage):
    answer = api.get(f"/v1/images/{pending.pk}")
    assert answer.status_code == 200
    assert answer.json() == {
        "id": pending.pk,
        "created_by": "anonymous",
        "created_timestamp": int(pending.created_at.timestamp()),
        "filename": "sun.png",
        "size": 0,
        "tags": [],
        "uploaded_timestamp": None,
        "url": None,
        "visibility": "public",
    }


def test_browsing_goes_on(api, outage):
    image = make_image("sun")
    for path in ("images", f"tags/{image.tags.get().pk}/images", "search/images?exact_tags=sun"):
        answer = api.get(f"/v1/{path}")
        assert answer.status_code == 200
        assert [record["id"] for record in answer.json()["results"]] == [image.pk]


def test_beginning_and_deleting_go_on(api, pending, outage):
    created = api.post("/v1/images", {"filename": "sun.png"})
    assert (created.status_code, created.json()) == (201, {"id": ANY, "upload_url": ANY})
    assert api.delete(f"/v1/images/{pending.pk}").status_code == 204


def test_the_worker_puts_no_more_than_one_record_off(pending, outage):
    uploads.begin("moon.png", None, TESTS)
    Image.objects.update(check_at=pending.created_at, checks=0)
    assert processing.sweep() == 0
    assert sorted(Image.objects.values_list("checks", flat=True)) == [0, 1]
    assert Image.objects.filter(check_at=pending.created_at).count() == 1


def test_the_worker_goes_on_to_the_next_record_where_only_one_object_is_in_trouble(pending):
    """Such as one whose key this store does not take."""
    troubled = uploads.begin("moon.png", None, TESTS)
    Image.objects.filter(pk=troubled.pk).update(key="../moon.png")
    Image.objects.update(check_at=pending.created_at, checks=0)
    assert processing.sweep() == 2
    assert set(Image.objects.values_list("checks", flat=True)) == {1}
