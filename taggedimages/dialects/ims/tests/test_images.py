"""GET /v2/cloudimages, /v2/images and /v2/images/{image_id}."""

import urllib.request
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from images import deletion, storage
from images.models import Facts
from taggedimages.dialects.ims.tests.requests import error
from taggedimages.factories import (
    TESTS,
    make_image,
    make_pending,
    make_png,
    make_user,
    unknown_uuid,
)
from tags import page_links, tagging

LISTS = ["/v2/images", "/v2/cloudimages"]


def ids(response):
    assert response.status_code == 200, response.json()
    return [image["id"] for image in response.json()["images"]]


@pytest.fixture
def knee(owner):
    created_at = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
    image = make_image(by=owner, name="knee", size=12, created_at=created_at)
    tagging.set_values(image, {"modality": "mri", "reviewed": ""}, TESTS)
    return image


def record(image):
    return {
        "id": str(image.uuid),
        "name": "knee",
        "status": "active",
        "tags": ["modality=mri", "reviewed"],
        "size": 12,
        "created_at": "2026-01-02T03:04:05Z",
        "updated_at": f"{image.updated_at:%Y-%m-%dT%H:%M:%SZ}",
        "visibility": "public",
        "owner": "ada",
        "checksum": None,
        "os_hash_algo": None,
        "os_hash_value": None,
        "min_disk": 0,
        "min_ram": 0,
        "protected": False,
        "os_hidden": False,
        "disk_format": None,
        "container_format": None,
        "virtual_size": None,
        "self": f"/v2/images/{image.uuid}",
        "file": f"/v2/images/{image.uuid}/file",
        "schema": "/v2/schemas/image",
    }


def test_one_image(ims, knee):
    response = ims.get(f"/v2/images/{knee.uuid}")
    assert response.status_code == 200
    assert response.json() == record(knee)


@pytest.mark.parametrize("url", LISTS)
def test_a_list(ims, knee, url):
    assert ims.get(url).json() == {"images": [record(knee)]}


def test_a_private_image_of_nobody(ims, owner):
    image = make_image(private=True, project=owner.project)
    shown = ims.get(f"/v2/images/{image.uuid}").json()
    assert (shown["visibility"], shown["owner"]) == ("private", None)


@pytest.mark.parametrize(
    ("fields", "status"),
    [({}, "queued"), ({"upload_error": "size_mismatch: 1 and 2"}, "killed")],
)
def test_the_status_of_an_image_without_its_file(ims, owner, fields, status):
    image = make_pending(by=owner, **fields)
    assert ims.get(f"/v2/images/{image.uuid}").json()["status"] == status
    assert ids(ims.get("/v2/images", {"status": status})) == [str(image.uuid)]
    assert ids(ims.get("/v2/images", {"status": "active"})) == []


def test_an_image_is_active_once_its_file_is_there(ims, owner):
    image = make_pending(by=owner)
    storage.put(image.key, make_png())
    assert ims.get(f"/v2/images/{image.uuid}").json()["status"] == "active"


@pytest.mark.parametrize("status", ["saving", "deleted"])
def test_statuses_that_no_listed_image_has(ims, knee, status):
    assert ids(ims.get("/v2/images", {"status": status})) == []


@pytest.mark.parametrize("url", LISTS)
def test_narrowed(ims, owner, knee, url):
    make_image("other", by=owner, name="Knee")
    for parameters in (
        {"id": str(knee.uuid)},
        {"id": str(knee.uuid).upper()},
        {"name": "knee"},
        {"tag": "modality"},
        {"tag": "modality=mri"},
        {"tag": "modality.mri"},
        {"tag": "reviewed="},
        {"tag": ["modality.mri", "reviewed"]},
        {"tag": "reviewed", "status": "active", "name": "knee", "visibility": "all"},
    ):
        assert ids(ims.get(url, parameters)) == [str(knee.uuid)], parameters
    for parameters in (
        {"id": unknown_uuid()},
        {"id": "malformed"},
        {"name": "kne"},
        {"tag": "Modality"},
        {"tag": "modality=ct"},
        {"tag": "modality="},
        {"tag": ["modality", "absent"]},
    ):
        assert ids(ims.get(url, parameters)) == [], parameters


def test_a_tag_whose_name_holds_a_separator(ims, owner):
    image = make_image("v1.2", by=owner)
    assert ids(ims.get("/v2/images", {"tag": "v1.2"})) == [str(image.uuid)]


def test_pages_by_marker(ims, owner):
    instant = timezone.now()
    made = [str(make_image(by=owner, created_at=instant).uuid) for _ in range(5)][::-1]
    first = ims.get("/v2/images", {"limit": 2, "status": "active"})
    assert ids(first) == made[:2]
    assert first.json()["next"] == f"/v2/images?limit=2&status=active&marker={made[1]}"
    second = ims.get(first.json()["next"])
    assert ids(second) == made[2:4]
    third = ims.get(second.json()["next"])
    assert ids(third) == made[4:]
    assert "next" not in third.json()


def test_a_marker_that_ended_in_between(ims, owner):
    older, marked = make_image(by=owner), make_image(by=owner)
    deletion.delete(marked)
    assert ids(ims.get("/v2/images", {"marker": str(marked.uuid)})) == [str(older.uuid)]


@pytest.mark.parametrize(
    "parameters",
    [
        *({"limit": 0}, {"limit": 1001}, {"limit": "x"}, {"status": "x"}, {"marker": "x"}),
        *({"marker": unknown_uuid()}, {"marker": "\0"}, {"tag": "\0"}, {"tag": ["a"] * 101}),
    ],
)
def test_bad_parameters(ims, parameters):
    response = ims.get("/v2/images", parameters)
    assert (response.status_code, response.json()) == (400, error("IMG.0001", response))


def test_only_current_images_of_the_project(ims, owner):
    make_image(by=make_user("bob", project_id="theirs"))
    make_image(by=owner, ended_at=timezone.now())
    mine = make_image(by=owner, private=True, ended_at=timezone.now() + timedelta(hours=1))
    assert ids(ims.get("/v2/images")) == [str(mine.uuid)]


@pytest.mark.parametrize("id", [unknown_uuid(), "1", "%00"])
def test_an_unknown_image(ims, id):
    response = ims.get(f"/v2/images/{id}")
    assert (response.status_code, response.json()) == (404, error("IMG.0027", response))


def test_as_many_statements_for_many_images_as_for_one(ims, owner):
    for number in range(12):
        make_image("a", f"tag{number}", by=owner)
    with CaptureQueriesContext(connection) as few:
        ims.get("/v2/images", {"limit": 1})
    with CaptureQueriesContext(connection) as many:
        ims.get("/v2/images")
    assert len(few) == len(many) == 4


@pytest.mark.parametrize("path", LISTS)
def test_a_page_with_very_many_tags_shows_the_first_20_of_each_image(ims, owner, path, monkeypatch):
    monkeypatch.setattr(page_links, "MAX_LINKS", 200)
    names = [f"tag{number}" for number in range(101)]
    images = [make_image(*names, by=owner) for _ in range(2)]
    assert [image["tags"] for image in ims.get(path).json()["images"]] == [names[:20]] * 2
    tagging.untag_named(images[0], {"tag0": None, "tag1": None}, TESTS)
    tags = [image["tags"] for image in ims.get(path).json()["images"]]
    assert sorted(map(len, tags)) == [99, 101]
    single = ims.get(f"/v2/images/{images[1].uuid}").json()
    assert single["tags"] == names


def test_the_file_is_a_redirect_to_a_link(ims, owner):
    image = make_image(by=owner, body=make_png(), filename="knee ä.png")
    response = ims.get(f"/v2/images/{image.uuid}/file")
    assert (response.status_code, response.content) == (302, b"")
    assert response.headers["Cache-Control"] == "no-store"
    with urllib.request.urlopen(response.headers["Location"]) as stored:
        # What OpenStack's clients take for a file.
        assert stored.headers["Content-Type"] == "application/octet-stream"
        assert stored.headers["Content-Disposition"].startswith("attachment")
        assert stored.read() == make_png()
    assert ims.head(f"/v2/images/{image.uuid}/file").status_code == 302


def test_the_file_of_an_image_that_waits_for_one(ims, owner):
    image = make_pending(by=owner)
    response = ims.get(f"/v2/images/{image.uuid}/file")
    assert (response.status_code, response.content) == (204, b"")
    arrived = make_pending(by=owner)
    storage.put(arrived.key, make_png())
    assert ims.get(f"/v2/images/{arrived.uuid}/file").status_code == 302
    assert ims.get(f"/v2/images/{unknown_uuid()}/file").status_code == 404


def test_hashes_are_those_of_the_facts(ims, knee):
    Facts.objects.create(image=knee, md5=b"\xab" * 16, sha256=b"\xcd" * 32)
    (shown,) = ims.get("/v2/images").json()["images"]
    hashes = [shown[name] for name in ("checksum", "os_hash_algo", "os_hash_value")]
    assert hashes == ["ab" * 16, "sha256", "cd" * 32]


def test_an_image_is_shared_with_nobody_by_name(ims, knee):
    assert ims.get(f"/v2/images/{knee.uuid}/members").json() == {"members": []}
    assert ims.get(f"/v2/images/{unknown_uuid()}/members").status_code == 404
