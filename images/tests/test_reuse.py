"""TAGGEDIMAGES_REUSE_DUPLICATES: an upload of bytes that are there is answered with their image."""

import base64
import hashlib
from typing import Any
from unittest.mock import ANY

import pytest

from images import deletion, inspection_jobs, storage
from images.models import Image
from images.tests.files import encoded, photo
from taggedimages.factories import make_credentials, make_image, make_user
from taggedimages.identity.models import User

pytestmark = pytest.mark.django_db

PHOTO = encoded(photo(), "PNG")
SHA256 = hashlib.sha256(PHOTO).hexdigest()


@pytest.fixture(autouse=True)
def reusing(settings) -> None:
    settings.REUSE_DUPLICATES = True


def inspected(*tags: str, **fields: Any) -> Image:
    image = make_image(*tags, body=PHOTO, **fields)
    inspection_jobs.inspect(image)
    return image


def upload(api, *tags: str) -> Any:
    data = base64.b64encode(PHOTO).decode()
    return api.post("/v1/upload", {"filename": "other.png", "image_data": data, "tags": list(tags)})


def create(api, *tags: str, **body: Any) -> Any:
    asked = {"filename": "other.png", "sha256": SHA256, "tags": list(tags)}
    return api.post("/v1/images", asked | body)


def test_an_upload_is_answered_with_the_image_that_has_its_bytes(api):
    image = inspected("knee", "left", filename="first.png")
    objects = len(list(storage.objects()))
    answer = upload(api, "left", "new")
    assert answer.status_code == 201
    assert answer.json() == {
        "id": image.pk,
        "created_by": "anonymous",
        "created_timestamp": int(image.created_at.timestamp()),
        "filename": "first.png",
        "size": len(PHOTO),
        "tags": [{"id": ANY, "name": name} for name in ("knee", "left", "new")],
        "uploaded_timestamp": ANY,
        "url": ANY,
        "visibility": "public",
        "upload_url": None,
    }
    assert Image.objects.count() == 1
    assert len(list(storage.objects())) == objects


def test_the_tags_that_are_added_are_signed_by_who_sent_them(api_as):
    sender = api_as(make_credentials("mira", project_id="clinic"))
    inspected(project_id="clinic")
    image = upload(sender, "new").json()["id"]
    line = sender.get(f"/v1/images/{image}/history").json()["results"][0]
    assert (line["tag"]["name"], line["created_by"], line["through"]) == ("new", "mira", "v1")


def test_a_record_for_bytes_that_are_there_has_nothing_to_be_sent(api):
    image = inspected("knee")
    answer = create(api, "new")
    assert (answer.status_code, answer.json()) == (201, {"id": image.pk, "upload_url": None})
    assert [tag.name for tag in image.tags.order_by("pk")] == ["knee", "new"]


def test_a_record_of_another_declared_size_is_a_new_one(api):
    image = inspected()
    assert create(api, size=len(PHOTO)).json()["id"] == image.pk
    assert create(api, size=len(PHOTO) + 1).json()["upload_url"]


def test_without_a_checksum_a_record_is_a_new_one(api):
    inspected()
    assert api.post("/v1/images", {"filename": "other.png"}).json()["upload_url"]


def test_the_oldest_of_several_is_answered(api):
    image, _ = inspected(), inspected()
    assert upload(api).json()["id"] == image.pk


def test_off_by_default(api, settings):
    settings.REUSE_DUPLICATES = False
    image = inspected()
    assert upload(api).json()["id"] != image.pk
    assert create(api).json()["upload_url"]


def test_an_image_of_another_project_is_not_answered(api_as):
    make_credentials("omar", project_id="other")
    image = inspected(project_id="other")
    mine = api_as(make_credentials("mira", project_id="clinic"))
    assert upload(mine).json()["id"] != image.pk
    assert create(mine).json()["upload_url"]


def test_an_image_that_the_caller_may_not_see_is_not_answered(api_as):
    owner, other = (make_credentials(name, project_id="clinic") for name in ("mira", "omar"))
    by = User.objects.get(username="mira")
    image = inspected(by=by, private=True)
    assert upload(api_as(other)).json()["id"] != image.pk
    assert upload(api_as(owner)).json()["id"] == image.pk


@pytest.mark.parametrize("end", [deletion.trash, deletion.delete])
def test_an_image_that_has_ended_is_not_answered(api, end):
    image = inspected()
    end(image)
    assert upload(api).json()["id"] != image.pk


def test_a_file_that_is_not_inspected_yet_is_not_known(api):
    image = make_image(body=PHOTO)
    assert upload(api).json()["id"] != image.pk


def test_an_image_whose_file_is_gone_is_not_answered(api):
    image = inspected()
    storage.delete(image.key)
    assert upload(api).json()["id"] != image.pk


def test_an_image_whose_file_was_replaced_by_its_upload_url_is_not_answered(api):
    first = upload(api).json()["id"]
    image = Image.objects.get(pk=first)
    inspection_jobs.inspect(image)
    storage.put(image.key, PHOTO[:-1] + b"!")
    assert upload(api).json()["id"] != first


def test_while_the_store_is_away_records_are_made_all_the_same(api, outage):
    inspected()
    with outage():
        answer = create(api)
    assert answer.status_code == 201
    assert answer.json()["upload_url"]


def test_while_the_store_is_away_an_upload_is_refused(api, outage):
    inspected()
    with outage():
        assert upload(api).status_code == 503


def test_an_image_that_the_sender_may_not_change_is_not_answered(api_as, settings):
    settings.ANONYMOUS, settings.PROJECT_EDITS = "read-only", "own"
    image = inspected("knee", by=make_user("owner", project_id="clinic"))
    mira = api_as(make_credentials("mira", project_id="clinic"))
    assert upload(mira, "new").json()["id"] != image.pk != create(mira, "new").json()["id"]
    assert image.tags.get().name == "knee"
    settings.PROJECT_EDITS = "members"
    assert upload(mira, "new").json()["id"] == create(mira).json()["id"] == image.pk


def test_an_image_that_others_are_shown_is_not_answered_where_visibility_was_sent(api):
    image = inspected()
    assert create(api, visibility="project").json()["id"] != image.pk
    assert create(api, visibility="public").json()["id"] == create(api).json()["id"] == image.pk
