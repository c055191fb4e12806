"""No page is over 4 MB: past 20,000 nested tags each image shows its first 20 there."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from images.models import Image
from taggedimages.factories import make_image
from tags import page_links
from tags.models import ImageTag, Tag

pytestmark = pytest.mark.django_db

MOUNTS = ["/api/v2", "/current/api/v2"]
MAX_BYTES = 4_000_000


def make_tags(count: int, name: str = "tag{}", **fields: Any) -> list[Tag]:
    names = [name.format(number) for number in range(count)]
    return Tag.objects.bulk_create([Tag(name=one, folded=one, **fields) for one in names])


def tagged(tags: list[Tag], **fields: Any) -> Image:
    image = make_image(**fields)
    # Not in the order of their ids, so that this is the order of the links.
    ImageTag.objects.bulk_create([ImageTag(image=image, tag=tag) for tag in reversed(tags)])
    return image


def rows(path: str) -> Any:
    answer = APIClient().get(path)
    assert answer.status_code == 200
    assert len(answer.content) <= MAX_BYTES
    return answer.json()["results"]


def names(tags: list[Any]) -> list[str]:
    return [tag if isinstance(tag, str) else tag["name"] for tag in tags]


@pytest.mark.parametrize("root", MOUNTS)
def test_a_page_of_links_past_20_000_nested_tags_shows_the_first_20(root):
    tags = make_tags(1_000)
    image, other = tagged(tags), tagged(tags[:2])
    page = rows(f"{root}/image_tags?page_size=1000")
    assert len(page) == 1_000
    assert {len(row["image"]["tags"]) for row in page} == {20}
    assert names(page[0]["image"]["tags"]) == [f"tag{number}" for number in range(999, 979, -1)]
    assert len(rows(f"{root}/image_tags?image={image.pk}")) == 100
    # What is not many is whole, and so is a single record.
    few = rows(f"{root}/image_tags?page_size=20&image={image.pk}")
    assert {len(row["image"]["tags"]) for row in few} == {1_000}
    assert names(rows(f"{root}/image_tags?image={other.pk}")[0]["image"]["tags"]) == [
        "tag1",
        "tag0",
    ]
    link = APIClient().get(f"{root}/image_tags/{page[0]['id']}").json()
    assert len(link["image"]["tags"]) == 1_000


@pytest.mark.parametrize("root", MOUNTS)
def test_a_page_of_images_shows_the_first_20_likewise(root, monkeypatch):
    monkeypatch.setattr(page_links, "MAX_LINKS", 200)
    tags = make_tags(101)
    images = [tagged(tags) for _ in range(2)]
    first = [f"tag{number}" for number in range(100, 80, -1)]
    assert [names(row["tags"]) for row in rows(f"{root}/images")] == [first, first]
    images[0].imagetag_set.filter(tag__in=tags[:2]).delete()
    assert [len(row["tags"]) for row in rows(f"{root}/images")] == [101, 99]
    single = APIClient().get(f"{root}/images/{images[1].pk}").json()
    assert len(single["tags"]) == 101


@pytest.mark.parametrize("root", MOUNTS)
def test_long_names_and_descriptions_leave_room_for_fewer(root):
    long = "\U0001f9b4" * 240
    tags = make_tags(1_000, long + "{}", description="\x01" * 1_024)
    image = tagged(tags, name=long, description="\x01" * 100_000)
    page = rows(f"{root}/image_tags?page_size=1000")
    assert len(page) == 1_000
    assert {row["tag"]["name"] for row in page} == {tag.name for tag in tags}
    assert {row["image"]["name"] for row in page} == {long}
    assert 0 < len(page[0]["image"]["description"]) < 1_000
    assert len(rows(f"{root}/images")[0]["tags"]) > 300
    assert len(rows(f"{root}/tags?page_size=1000")) == 1_000
    single = APIClient().get(f"{root}/images/{image.pk}").json()
    assert len(single["description"]) == 100_000
