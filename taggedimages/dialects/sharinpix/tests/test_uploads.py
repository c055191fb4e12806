"""POST /storages/{s}/storage_files, the form POST to the store, PUT /storage_files/{id}."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3
from django.utils import timezone

from images import (
    deletion,
    processing,
    staged_uploads,
    storage,
    uploads,
)
from images.models import Image
from images.visibility import Visibility
from taggedimages.factories import make_image, make_pending, make_png, unknown_uuid

from .conftest import EDITOR, READER

pytestmark = pytest.mark.django_db
STORAGES = "/api/v1/storages/main/storage_files"
FILES = "/api/v1/storage_files"
XML = "application/xml"
PNG = make_png()


def announce(client, **more) -> Any:
    file = {"album_id": "mine", "name": "Knee.PNG", "type": "image/png", "size": len(PNG)} | more
    answer = client.post(STORAGES, {name: value for name, value in file.items() if value})
    assert answer.status_code == 200, answer.headers
    return answer.json()


def send(announced: Any, body: bytes = PNG, **fields) -> urllib3.BaseHTTPResponse:
    """What a client does with the upload parameters."""
    form = announced["upload_parameters"]
    assert form["method"] == "POST"
    parts = form["fields"] | fields | {"file": ("x.png", body)}
    return urllib3.request("POST", form["url"], fields=parts)


def sent(announced: Any) -> str:
    """The XML with which the store answers."""
    stored = send(announced)
    assert stored.status == 201
    return stored.data.decode()


def test_a_file_is_announced_sent_and_claimed(admin, ada):
    announced = announce(admin)
    assert announced.keys() == {"id", "organization_id", "upload_parameters"}
    assert announced["organization_id"] == "org"
    assert announced["upload_parameters"].keys() == {"method", "url", "fields"}
    assert announced["upload_parameters"]["fields"]["success_action_status"] == "201"
    answer = admin.put(f"{FILES}/{announced['id']}", {"infos": sent(announced)})
    assert answer.status_code == 200
    claimed = answer.json()
    assert claimed.keys() == {"id", "organization_id", "image"}
    assert (claimed["id"], claimed["organization_id"]) == (announced["id"], "org")
    image = claimed["image"]
    assert (image["filename"], image["format"], image["size"]) == ("Knee", "png", len(PNG))
    # Width, height, colour and etag are not known before the file has been read.
    assert (image["album_id"], image["processed"]) == ("mine", False)
    assert urllib3.request("GET", image["original_url"]).data == PNG
    assert admin.get("/api/v1/albums/mine/images").json()[0]["id"] == image["id"]
    record = Image.objects.get()
    assert (record.created_by, record.project_id, record.is_archived) == (ada, "org", True)


@pytest.mark.parametrize("shape", ["json", "form", "multipart", "xml", "text", "untyped form"])
def test_the_answer_of_the_store_comes_in_many_shapes(admin, shape):
    announced = announce(admin)
    xml, url = sent(announced), f"{FILES}/{announced['id']}"
    form = "application/x-www-form-urlencoded"
    answer = {
        "json": lambda: admin.put(url, {"infos": xml}),
        "form": lambda: admin.put(
            url,
            urlencode({"infos": xml}),
            content_type=form,
        ),
        "multipart": lambda: admin.put(url, {"infos": xml}, format="multipart"),
        "xml": lambda: admin.put(url, xml, content_type=XML),
        "text": lambda: admin.put(url, "\ufeff" + xml, content_type="text/plain;charset=UTF-8"),
        "untyped form": lambda: admin.put(url, xml, content_type=form),
    }[shape]()
    assert answer.status_code == 200, answer.headers
    assert answer.json()["image"]["size"] == len(PNG)


def test_until_it_is_claimed_no_door_shows_it(admin, ada):
    announced = announce(admin)
    send(announced)
    image = Image.objects.get()
    uploads.confirm(image)
    assert not Image.objects.visible_to(ada).exists()
    assert admin.get("/api/v1/albums/mine/images").json() == []
    assert admin.get("/api/v1/trashed_images").json() == []
    assert admin.get(f"/api/v1/images/{announced['id']}").status_code == 404
    assert admin.delete(f"/api/v1/trashed_images/{announced['id']}").status_code == 404


def test_a_second_claim_changes_nothing(admin):
    announced = announce(admin)
    xml, url = sent(announced), f"{FILES}/{announced['id']}"
    first, second = (admin.put(url, xml, content_type=XML).json()["image"] for _ in range(2))
    assert first["id"] == second["id"]
    assert first["updated_at"] == second["updated_at"]
    assert Image.objects.count() == 1
    admin.delete(f"/api/v1/images/{first['id']}")
    assert admin.put(url, xml, content_type=XML).status_code == 404


def xml_for(image_or_key) -> str:
    return f"<PostResponse><Bucket>b</Bucket><Key>{image_or_key}</Key></PostResponse>"


def test_a_file_that_was_not_sent_is_no_image(admin):
    announced = announce(admin)
    xml = xml_for(announced["upload_parameters"]["fields"]["key"])
    answer = admin.put(f"{FILES}/{announced['id']}", xml, content_type=XML)
    assert (answer.status_code, answer.content) == (400, b"")
    assert answer["X-message"] == "The file has not arrived."
    assert admin.get("/api/v1/albums/mine/images").json() == []


def test_a_file_of_another_size_is_refused_by_the_store(admin):
    assert send(announce(admin), PNG + b"x").status == 400
    assert send(announce(admin), PNG[:-1]).status == 400
    assert send(announce(admin), PNG, **{"Content-Type": "text/html"}).status == 403


@pytest.mark.parametrize("type", ["text/html", "image/svg+xml", "nonsense", None])
def test_the_store_calls_nothing_a_page(admin, type):
    fields = announce(admin, type=type)["upload_parameters"]["fields"]
    assert fields["Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize(
    "infos",
    [
        "",
        "nonsense",
        "<",
        "<PostResponse></PostResponse>",
        "<PostResponse><Key></Key></PostResponse>",
        "<Other><Key>{key}</Key></Other>",
        xml_for("another/key.png"),
        '<!DOCTYPE x [<!ENTITY k "{key}">]>' + xml_for("&k;"),
        '<!DOCTYPE x SYSTEM "file:///etc/passwd">' + xml_for("{key}"),
        xml_for("&#0;"),
        7,
        None,
        {"a": 1},
    ],
)
def test_what_is_no_answer_of_the_store_is_a_400(admin, infos):
    announced = announce(admin)
    send(announced)
    if isinstance(infos, str):
        infos = infos.replace("{key}", announced["upload_parameters"]["fields"]["key"])
    answer = admin.put(f"{FILES}/{announced['id']}", {"infos": infos})
    assert (answer.status_code, answer.content) == (400, b"")
    assert admin.get("/api/v1/search").json() == []


def test_raw_xml_of_an_unknown_encoding_is_a_400(admin):
    announced = announce(admin)
    xml = '<?xml version="1.0" encoding="nonsense"?>' + xml_for("x")
    answer = admin.put(f"{FILES}/{announced['id']}", xml, content_type=XML)
    assert (answer.status_code, answer.content) == (400, b"")


@pytest.mark.parametrize(
    "change",
    [
        {"album_id": None},
        {"album_id": " "},
        {"album_id": "x" * 256},
        {"album_id": "a\0"},
        {"name": None},
        {"name": ""},
        {"name": "x" * 256},
        {"name": 7},
        {"size": "big"},
        {"size": -1},
        {"size": 10**14},
        {"size": True},
        {"size": 1.5},
        {"type": 7},
    ],
)
def test_what_cannot_be_announced_is_a_400_that_names_the_fault(admin, change):
    answer = admin.post(STORAGES, {"album_id": "mine", "name": "a.png"} | change)
    assert (answer.status_code, answer.content) == (400, b"")
    assert answer["X-message"].split(":")[0] in change
    assert not Image.objects.exists()


def test_announcing_takes_forms_and_needs_no_size(admin):
    form = "application/x-www-form-urlencoded"
    announced = admin.post(STORAGES, "album_id=mine&name=a.png&size=", content_type=form)
    assert announced.status_code == 400
    announced = admin.post(STORAGES, "album_id=mine&name=a.png", content_type=form).json()
    assert send(announced, b"any").status == 201


def test_uploading_wants_image_upload(in_album, client_with):
    file = {"album_id": "mine", "name": "a.png"}
    for client, status in (
        (in_album("mine", READER), 401),
        (in_album("other", EDITOR), 401),
        (client_with(q="mine", image_upload=True), 401),
        (client_with(q="*", image_upload=True), 200),
        (in_album("mine", {"image_upload": True}), 200),
    ):
        assert client.post(STORAGES, file).status_code == status


def test_claiming_wants_image_upload_too(admin, in_album):
    announced = announce(admin)
    url, xml = f"{FILES}/{announced['id']}", sent(announced)
    assert in_album("mine", READER).put(url, xml, content_type=XML).status_code == 401
    assert in_album("mine", EDITOR).put(url, xml, content_type=XML).status_code == 200


@pytest.mark.parametrize("id", [unknown_uuid(), "7", "%00"])
def test_claiming_what_was_not_announced_is_404(admin, id):
    assert admin.put(f"{FILES}/{id}", {"infos": "x"}).status_code == 404


def test_auto_tags_are_put_on_every_upload(in_album):
    tags = {"knee": {"en": "Knee", "fr": "Genou"}}
    client = in_album("mine", EDITOR, tags, auto_tag="knee; new;;knee")
    announced = announce(client)
    answer = client.put(f"{FILES}/{announced['id']}", sent(announced), content_type=XML)
    rows = client.get("/api/v1/tag_images", {"image_id": answer.json()["image"]["id"]}).json()
    assert {(row["tag"]["name"], row["tag"]["label_fr"]) for row in rows} == {
        ("knee", "Genou"),
        ("new", "new"),
    }


@pytest.fixture
def store_away(settings):
    """Makes the object store one that does not answer."""

    def away() -> None:
        settings.S3_ENDPOINT_URL = "http://127.0.0.1:1"

    return away


def test_while_the_store_is_away_claiming_is_a_503_and_nothing_is_lost(admin, store_away):
    announced = announce(admin)
    xml, url = sent(announced), f"{FILES}/{announced['id']}"
    store_away()
    answer = admin.put(url, xml, content_type=XML)
    assert (answer.status_code, answer.content) == (503, b"")
    assert answer["Retry-After"] == "2"
    assert Image.objects.get().deleted_at is None


# --- Files that nobody comes for -----------------------------------------------------------------


def later(image: Image, **by) -> None:
    """As if the file had been announced so much earlier."""
    at = image.created_at - timedelta(**by)
    Image.objects.filter(pk=image.pk).update(created_at=at, ended_at=at, trashed_at=at)
    image.refresh_from_db()


@pytest.mark.parametrize("sent", [True, False])
def test_the_worker_gives_up_an_announced_file_after_its_time(admin, sent):
    announced = announce(admin)
    if sent:
        send(announced)
    image = Image.objects.get()
    processing.look_after(image)
    image.refresh_from_db()
    assert (image.deleted_at, image.uploaded_at is not None) == (None, sent)
    later(image, hours=1, minutes=30)
    processing.look_after(image)
    image.refresh_from_db()
    assert image.deleted_at is None
    assert (image.check_at is None) is False
    later(image, hours=1)
    processing.look_after(image)
    image.refresh_from_db()
    assert image.deleted_at is not None
    processing.look_after(image)
    assert storage.head(image.key) is None
    assert admin.put(f"{FILES}/{image.uuid}", {"infos": "x"}).status_code == 404


def test_claimed_pending_and_trashed_images_are_never_given_up(ada):
    old = timezone.now() - timedelta(days=9)
    claimed, pending = make_image(by=ada, created_at=old), make_pending(by=ada)
    Image.objects.filter(pk=pending.pk).update(created_at=old)
    trashed = make_image(by=ada, created_at=old)
    deletion.trash(trashed)
    for image in (claimed, pending, trashed):
        image.refresh_from_db()
        assert not staged_uploads.is_abandoned(image)


def test_a_file_beyond_the_quota_of_the_project_is_a_bad_request(admin, settings):
    settings.PROJECT_QUOTA_BYTES = len(PNG)
    announce(admin)
    answer = admin.post(STORAGES, {"album_id": "mine", "name": "Knee.PNG", "size": 1})
    assert answer.status_code == 400
    assert answer.headers["X-message"].startswith("quota: the files of a project take")
    assert Image.objects.count() == 1


@pytest.mark.parametrize("said", ["", "public", "private"])
def test_an_upload_is_its_projects_whatever_the_setting_says(admin, settings, said):
    settings.VISIBILITY = said
    announced = announce(admin)
    claim = admin.put(f"{FILES}/{announced['id']}", {"infos": sent(announced)})
    assert claim.status_code == 200
    assert Image.objects.get().visibility == Visibility.PROJECT
