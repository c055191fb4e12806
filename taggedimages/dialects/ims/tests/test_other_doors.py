"""What IMS and the /v1 API see of each other (contract README, rules across doors)."""

import pytest
from rest_framework.test import APIClient

from taggedimages.dialects.ims.tests.requests import held, tags_url
from taggedimages.factories import TESTS, make_image
from tags import tagging
from tags.models import ImageTag, Tag


@pytest.fixture
def v1(ada):
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {ada.token}")
    client.default_format = "json"
    return client


def shown(ims, image):
    return {tag["key"]: tag["value"] for tag in ims.get(tags_url(image)).json()["tags"]}


def test_one_token_opens_both(v1, ims, image):
    assert v1.get(f"/v1/images/{image.pk}").status_code == 200
    assert ims.get(tags_url(image)).status_code == 200


def test_keys_are_the_names_of_tags(v1, ims, image):
    ims.post(tags_url(image), {"tag": {"key": "Modality", "value": "mri"}})
    names = [tag["name"] for tag in v1.get(f"/v1/images/{image.pk}").json()["tags"]]
    assert names == ["Modality"]
    found = v1.get("/v1/search/images", {"exact_tags": "Modality"}).json()["results"]
    assert [record["id"] for record in found] == [image.pk]


def test_tags_of_other_doors_are_keys_without_values(v1, ims, image):
    v1.put(f"/v1/images/{image.pk}", {"tags": ["knee", "x" * 160]})
    assert shown(ims, image) == {"knee": "", "x" * 160: ""}


def test_replacing_a_set_keeps_values_and_links(v1, ims, image):
    tagging.set_values(image, {"a": "1", "b": "2"}, TESTS)
    link = ImageTag.objects.get(tag__name="a")
    v1.put(f"/v1/images/{image.pk}", {"tags": ["a", "c"]})
    assert held(image) == [("a", "1"), ("c", "")]
    assert ImageTag.objects.get(tag__name="a").uuid == link.uuid


def test_writing_twice_makes_one_link(v1, ims, image):
    v1.put(f"/v1/images/{image.pk}", {"tags": ["a"]})
    ims.post(tags_url(image), {"tag": {"key": "a", "value": "1"}})
    v1.put(f"/v1/images/{image.pk}", {"tags": ["a"]})
    ims.put(f"/v2/images/{image.uuid}/tags/a")
    assert held(image) == [("a", "1")]


def test_more_than_ten_made_elsewhere(v1, ims, image):
    v1.put(f"/v1/images/{image.pk}", {"tags": [f"tag{n}" for n in range(11)]})
    assert len(shown(ims, image)) == 11
    assert ims.put(f"/v2/images/{image.uuid}/tags/more").status_code == 400
    assert ims.put(f"/v2/images/{image.uuid}/tags/tag3").status_code == 204


def test_renaming_a_tag_renames_the_key_everywhere(v1, ims, image, owner):
    other = make_image(by=owner)
    for each in (image, other):
        tagging.set_values(each, {"old": "1"}, TESTS)
    v1.put(f"/v1/tags/{Tag.objects.get(name='old').pk}", {"name": "new"})
    assert shown(ims, image) == shown(ims, other) == {"new": "1"}


def test_deleting_a_tag_removes_the_key_and_no_image(v1, ims, image):
    tagging.set_values(image, {"a": "1", "b": "2"}, TESTS)
    v1.delete(f"/v1/tags/{Tag.objects.get(name='a').pk}")
    assert shown(ims, image) == {"b": "2"}


def test_a_deleted_image_leaves_at_once(v1, ims, image):
    tagging.tag(image, ["a"], TESTS)
    assert v1.delete(f"/v1/images/{image.pk}").status_code == 204
    assert ims.get(tags_url(image)).status_code == 404
    assert ims.get("/v2/images").json() == {"images": []}
    assert ims.get("/v2/lab/images/tags").json() == {"tags": []}


def test_the_history_tells_doors_and_values(v1, ims, image):
    v1.put(f"/v1/images/{image.pk}", {"tags": ["a"]})
    ims.post(tags_url(image), {"tag": {"key": "a", "value": "1"}})
    ims.delete(tags_url(image, "a"))
    lines = v1.get(f"/v1/images/{image.pk}/history").json()["results"]
    assert [(one["through"], one["action"], one["new_value"]) for one in lines] == [
        ("ims", "remove", None),
        ("ims", "change", "1"),
        ("v1", "add", ""),
    ]


def test_an_image_begun_here_belongs_to_its_makers_project(v1, ims):
    created = v1.post("/v1/images", {"filename": "knee.png", "tags": ["a"]})
    assert created.status_code == 201
    listed = ims.get("/v2/images").json()["images"]
    assert [(one["name"], one["status"], one["tags"]) for one in listed] == [
        ("knee.png", "queued", ["a"])
    ]
