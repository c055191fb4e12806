"""/image_versions and /version, which the command-line client asks for."""

from datetime import datetime

import pytest

from images import storage
from taggedimages.factories import make_image, make_pending, make_png, make_user, unknown_uuid

pytestmark = pytest.mark.django_db
MOUNTS = ("/api/v2", "/current/api/v2")


@pytest.mark.parametrize("mount", MOUNTS)
def test_one_version_of_each_image(api, mount):
    ann = make_user("ann")
    image = make_image("knee", by=ann, name="mri", description="Left leg")
    version = api.get(f"{mount}/image_versions/{image.pk}").json()
    assert version == api.get(f"{mount}/image_versions/{image.uuid}").json()
    root = f"http://testserver{mount}"
    assert version["url"] == f"{root}/image_versions/{image.pk}"
    assert (version["id"], version["uuid"]) == (image.pk, str(image.uuid))
    assert (version["name"], version["change_log"], version["parent"]) == ("1.0", "", None)
    assert (version["image"]["name"], version["image"]["description"]) == ("mri", "Left leg")
    assert [tag["name"] for tag in version["image"]["tags"]] == ["knee"]
    assert version["user"]["username"] == "ann"
    (machine,) = version["machines"]
    assert (machine["uuid"], machine["provider"]["name"]) == (str(image.uuid), "s3")
    assert (version["allow_imaging"], version["min_mem"], version["min_cpu"]) == (False, 0, 0)
    assert datetime.fromisoformat(version["start_date"])
    page = api.get(f"{mount}/image_versions").json()
    assert (page["count"], page["results"]) == (1, [version])


def test_an_image_without_a_file_or_a_creator(api):
    image = make_pending()
    version = api.get(f"/api/v2/image_versions/{image.pk}").json()
    assert (version["machines"], version["user"]["username"]) == ([], "anonymous")
    arrived = make_pending()
    storage.put(arrived.key, make_png())
    assert len(api.get(f"/api/v2/image_versions/{arrived.pk}").json()["machines"]) == 1


def test_versions_by_image_and_creator(api):
    ann = make_user("ann")
    first, second = make_image(by=ann), make_image()
    for image in (first, second):
        for asked in (image.pk, image.uuid):
            page = api.get(f"/api/v2/image_versions?image_id={asked}").json()
            assert [version["id"] for version in page["results"]] == [image.pk]
    page = api.get("/api/v2/image_versions?created_by=ann").json()
    assert [version["id"] for version in page["results"]] == [first.pk]
    newest_first = api.get("/api/v2/image_versions?page_size=1").json()
    assert [version["id"] for version in newest_first["results"]] == [second.pk]
    assert newest_first["next"] == "http://testserver/api/v2/image_versions?page=2&page_size=1"


def test_versions_of_hidden_images_are_hidden(api, login):
    client, eve = login("eve")
    image = make_image(by=eve, private=True)
    for path in (f"/api/v2/image_versions/{image.pk}", f"/api/v2/image_versions/{unknown_uuid()}"):
        assert api.get(path).status_code == 404
    assert api.get(f"/api/v2/image_versions?image_id={image.pk}").json()["count"] == 0
    assert client.get(f"/api/v2/image_versions/{image.pk}").status_code == 200


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_versions_are_only_read(login, method):
    client, _ = login("staff", staff=True)
    assert getattr(client, method)("/api/v2/image_versions").status_code == 405


@pytest.mark.parametrize("mount", MOUNTS)
def test_the_program_is_told_as_a_commit(api, mount):
    told = api.get(f"{mount}/version").json()
    assert told.keys() == {"git_branch", "git_sha", "git_sha_abbrev", "commit_date"}
    assert told["git_sha"].startswith(told["git_sha_abbrev"].removeprefix("@"))
    assert datetime.fromisoformat(told["commit_date"])
    assert told == api.get(f"{mount}/version").json()
