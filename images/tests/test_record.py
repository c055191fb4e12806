"""GET, PUT and DELETE /v1/images/{id}: one record."""

from datetime import UTC, datetime, timedelta
from unittest.mock import ANY

import pytest
from django.utils import timezone

from images import keys, processing, storage
from images.models import Image
from images.visibility import Visibility
from taggedimages.factories import (
    TESTS,
    fetch,
    key_in,
    make_image,
    make_pending,
    make_tag,
    make_user,
    send,
)
from tags import tagging, vocabulary
from tags.models import ImageTag, Tag

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
NOT_FOUND = {"code": 404, "message": "Not found."}
NO_INTEGER = {
    "code": 400,
    "message": "id: A valid integer is required.",
    "errors": ["id: A valid integer is required."],
}
UNKNOWN_IDS = ["0", "-1", "999999999", str(2**63 - 1), str(2**63), "9" * 5000]
ODD_IDS = ["abc", "1.0", "1e3", "0x1", "%20", "%00", "٣", "1;2", "--1", "%F0%9F%A6%B4"]
SLASHES = pytest.mark.parametrize("slash", ["", "/"])


def tag_names(answer):
    assert answer.status_code == 200, answer.json()
    return [tag["name"] for tag in answer.json()["tags"]]


# --- GET -----------------------------------------------------------------------------------------


@SLASHES
def test_an_uploaded_record_is_whole(api, slash):
    image = make_image("knee", by=make_user("mira"), created_at=NOON, size=7)
    answer = api.get(f"/v1/images/{image.pk}{slash}")
    assert answer.status_code == 200
    assert answer.json() == {
        "id": image.pk,
        "created_by": "mira",
        "created_timestamp": int(NOON.timestamp()),
        "filename": image.filename,
        "size": 7,
        "tags": [{"id": Tag.objects.get().pk, "name": "knee"}],
        "uploaded_timestamp": int(NOON.timestamp()),
        "url": ANY,
        "visibility": "public",
    }


def test_the_url_reads_the_file_for_an_hour(api):
    image = make_image(body=b"the file")
    url = api.get(f"/v1/images/{image.pk}").json()["url"]
    assert "X-Amz-Expires=3600" in url
    assert key_in(url) == image.key
    assert fetch(url) == b"the file"


def test_a_creator_who_is_gone_is_anonymous(api):
    image = make_image(by=(user := make_user()))
    user.delete()
    assert api.get(f"/v1/images/{image.pk}").json()["created_by"] == "anonymous"


# --- PUT -----------------------------------------------------------------------------------------


@SLASHES
def test_put_replaces_the_tags_and_answers_the_record(api, slash):
    image = make_image("old", created_at=NOON)
    answer = api.put(f"/v1/images/{image.pk}{slash}", {"tags": ["new", "newer"]})
    assert answer.status_code == 200
    assert answer.json() == api.get(f"/v1/images/{image.pk}").json() | {"url": ANY}
    assert tag_names(answer) == ["new", "newer"]


def test_links_that_stay_keep_all_they_hold(api):
    image = make_image("stays", "goes")
    tagging.set_values(image, {"stays": "42"}, TESTS)
    stays = ImageTag.objects.filter(tag__name="stays")
    before = stays.values("id", "uuid", "value", "created_at", "user").get()
    assert tag_names(api.put(f"/v1/images/{image.pk}", {"tags": ["new", "stays"]})) == [
        "stays",
        "new",
    ]
    assert stays.values("id", "uuid", "value", "created_at", "user").get() == before


def test_no_tags_clear(api):
    image = make_image("a", "b")
    assert tag_names(api.put(f"/v1/images/{image.pk}", {"tags": []})) == []
    assert Tag.objects.count() == 2


def test_put_trims_and_collapses(api):
    image = make_image()
    asked = {"tags": [" b ", "a", "b"], "filename": "ignored.png"}
    assert tag_names(api.put(f"/v1/images/{image.pk}", asked)) == ["b", "a"]


def test_put_reaches_pending_records(api):
    assert tag_names(api.put(f"/v1/images/{make_pending().pk}", {"tags": ["x"]})) == ["x"]


@pytest.mark.parametrize(
    "body", [{}, {"tags": None}, {"tags": "a"}, {"tags": [""]}, {"tags": [5]}, [], "tags", None]
)
def test_put_refuses_a_bad_body(api, body):
    image = make_image("stays")
    answer = api.put(f"/v1/images/{image.pk}", body)
    assert answer.status_code == 400
    assert answer.json() == {"code": 400, "message": ANY, "errors": ANY}
    assert image.tags.get().name == "stays"


def test_validation_comes_before_lookup(api):
    assert api.put("/v1/images/999999999", {"tags": [""]}).status_code == 400
    answer = api.put("/v1/images/999999999", {"tags": ["never"]})
    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
    assert not Tag.objects.exists()


# --- DELETE --------------------------------------------------------------------------------------


@SLASHES
def test_delete_hides_the_image_at_once(api, slash):
    image = make_image("knee")
    answer = api.delete(f"/v1/images/{image.pk}{slash}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert api.get(f"/v1/images/{image.pk}").json() == NOT_FOUND
    assert api.get("/v1/images").json()["meta"]["total_results"] == 0
    assert Tag.objects.exists()


def test_a_deleted_image_is_not_found_by_any_method(api):
    path = f"/v1/images/{make_image().pk}"
    api.delete(path)
    answers = [
        api.delete(path),
        api.put(path, {"tags": []}),
        api.post(f"{path}/complete"),
        api.get(f"{path}/history"),
    ]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(404, NOT_FOUND)] * 4


def test_the_worker_removes_the_file_of_a_deleted_image(api):
    image = make_image(body=b"the file")
    api.delete(f"/v1/images/{image.pk}")
    sweep(image)
    assert storage.head(image.key) is None


def test_a_file_that_comes_after_the_deletion_goes_when_its_url_has_expired(api):
    created = api.post("/v1/images", {"filename": "late.png"}).json()
    image = Image.objects.get()
    api.delete(f"/v1/images/{image.pk}")
    sweep(image)
    assert send(created["upload_url"], b"late") == 200
    image.refresh_from_db()
    assert image.check_at is not None
    assert image.check_at > image.upload_expires_at
    expire(image)
    sweep(image)
    image.refresh_from_db()
    assert storage.head(image.key) is None
    assert image.check_at is None


def test_complete_answers_the_record_that_a_get_answers(api):
    mira = make_user("mira")
    image = make_pending("genu", *map(str, range(40)), by=mira, visibility=Visibility.PRIVATE)
    vocabulary.alias(Tag.objects.get(name="genu"), make_tag("knee"), TESTS)
    storage.put(image.key, b"the file")
    api.force_authenticate(mira)
    completed = api.post(f"/v1/images/{image.pk}/complete").json()
    assert completed["uploaded_timestamp"]
    assert len(completed["tags"]) == 41
    assert "knee" in {tag["name"] for tag in completed["tags"]}
    url = completed.pop("url")
    got = api.get(f"/v1/images/{image.pk}").json()
    assert key_in(url) == key_in(got.pop("url"))
    assert completed == got


def test_complete_of_what_is_not_shown_to_the_caller_is_404(api):
    hidden = make_pending(by=make_user("mira"), visibility=Visibility.PRIVATE)
    storage.put(hidden.key, b"the file")
    answer = api.post(f"/v1/images/{hidden.pk}/complete")
    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
    hidden.refresh_from_db()
    assert hidden.uploaded_at is None


def test_a_late_put_to_a_taken_and_deleted_image_goes_too(api):
    created = api.post("/v1/images", {"filename": "late.png"}).json()
    send(created["upload_url"], b"first")
    api.post(f"/v1/images/{created['id']}/complete")
    api.delete(f"/v1/images/{created['id']}")
    send(created["upload_url"], b"late")
    image = Image.objects.get()
    sweep(image)
    assert storage.head(image.key) is None
    assert storage.head(keys.upload_key(image.key)) is None


def sweep(image: Image) -> None:
    """Let the worker look at an image now."""
    Image.objects.filter(pk=image.pk).update(check_at=timezone.now() - timedelta(minutes=1))
    assert processing.sweep() == 1


def expire(image: Image) -> None:
    """Let the upload URL of an image have been made long ago."""
    Image.objects.filter(pk=image.pk).update(created_at=timezone.now() - timedelta(days=1))


# --- ids -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("id", UNKNOWN_IDS)
def test_an_unknown_id_is_404(api, id):
    path = f"/v1/images/{id}"
    for answer in (api.get(path), api.put(path, {"tags": []}), api.delete(path)):
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


@pytest.mark.parametrize("id", ODD_IDS)
def test_an_id_that_is_no_integer_is_400(api, id):
    path = f"/v1/images/{id}"
    for answer in (api.get(path), api.put(path, {"tags": []}), api.delete(path)):
        assert (answer.status_code, answer.json()) == (400, NO_INTEGER)
