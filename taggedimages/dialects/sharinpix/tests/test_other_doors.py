"""What is done here shows in the service's own API, and the other way round."""

import pytest
from rest_framework.test import APIClient

from images import deletion
from images.models import Image
from taggedimages.factories import TESTS, make_image
from tags import tagging
from tags.models import ImageTag, Tag

pytestmark = pytest.mark.django_db


@pytest.fixture
def v1(org) -> APIClient:
    """The same user's client of /v1."""
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {org.token}")
    client.default_format = "json"
    return client


def v1_ids(v1) -> list[int]:
    return [image["id"] for image in v1.get("/v1/images").json()["results"]]


def test_tags_linked_here_are_listed_there(admin, v1, ada):
    image = make_image(by=ada)
    admin.post("/api/v1/tags/knee/tag_images", {"image_ids": [str(image.uuid)]})
    assert [tag["name"] for tag in v1.get(f"/v1/images/{image.pk}").json()["tags"]] == ["knee"]
    [line] = v1.get(f"/v1/images/{image.pk}/history").json()["results"]
    assert (line["action"], line["through"], line["created_by"]) == ("add", "sharinpix", "ada")


def test_a_set_replaced_there_keeps_the_links_that_stay(admin, v1, ada):
    image = make_image("a", "b", by=ada)
    before = {row["tag"]["name"]: row for row in admin.get("/api/v1/tag_images").json()}
    v1.put(f"/v1/images/{image.pk}", {"tags": ["b", "c"]})
    after = {row["tag"]["name"]: row for row in admin.get("/api/v1/tag_images").json()}
    assert after.keys() == {"b", "c"}
    assert after["b"]["id"] == before["b"]["id"]
    assert after["b"]["created_at"] == before["b"]["created_at"]


def test_linking_here_leaves_a_value_of_another_door_alone(admin, ada):
    image = make_image(by=ada)
    tagging.set_values(image, {"side": "left"}, TESTS)
    admin.post("/api/v1/tags/side/tag_images", {"image_ids": [str(image.uuid)]})
    assert ImageTag.objects.get().value == "left"


def test_the_trash_hides_there_and_restoring_shows_again(admin, v1, ada):
    image = make_image("a", by=ada)
    admin.delete(f"/api/v1/images/{image.uuid}")
    assert v1_ids(v1) == []
    assert v1.get(f"/v1/images/{image.pk}").status_code == 404
    assert v1.get("/v1/search/images?exact_tags=a").json()["results"] == []
    admin.delete(f"/api/v1/trashed_images/{image.uuid}")
    assert v1_ids(v1) == [image.pk]
    assert len(v1.get("/v1/search/images?exact_tags=a").json()["results"]) == 1


def test_what_is_deleted_there_is_gone_here_and_in_no_trash(admin, ada):
    image = make_image("a", by=ada)
    deletion.delete(image)
    assert admin.get("/api/v1/tag_images").json() == []
    assert admin.get("/api/v1/trashed_images").json() == []
    assert deletion.restore(image) is False


def test_a_tag_deleted_there_takes_its_links_here(admin, v1, ada):
    make_image("a", "b", by=ada)
    v1.delete(f"/v1/tags/{Tag.objects.get(name='a').pk}")
    assert [row["tag"]["name"] for row in admin.get("/api/v1/tag_images").json()] == ["b"]
    assert Image.objects.count() == 1


def test_an_announced_file_is_not_listed_there(admin, v1):
    file = {"album_id": "mine", "name": "a.png"}
    admin.post("/api/v1/storages/main/storage_files", file)
    assert Image.objects.count() == 1
    assert v1_ids(v1) == []
    assert v1.get(f"/v1/images/{Image.objects.get().pk}").status_code == 404


def test_a_bearer_token_of_the_other_api_opens_nothing_here(org):
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {org.token}")
    assert client.get("/api/v1/tag_images").status_code == 401


def test_head_answers_without_a_body(admin, ada):
    make_image("a", by=ada)
    head = admin.head("/api/v1/tag_images")
    assert (head.status_code, head.content) == (200, b"")
