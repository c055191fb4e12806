"""Rule 4: writing twice never makes a second link; each API says so in its own way."""

import pytest

from taggedimages.dialects.tests.doors import (
    DOORS,
    Atmosphere,
    Deployed,
    Ims,
    OpenStack,
    SharinPix,
    Tim,
)
from tags.models import ImageTag, Tag


@pytest.mark.parametrize("second", DOORS)
@pytest.mark.parametrize("first", DOORS)
def test_two_doors_that_write_the_same_make_one_link(doors, bobs, image, first, second):
    assert doors[first].add(image, "knee").status_code < 300
    link = ImageTag.objects.get()
    assert bobs[second].add(image, "knee").status_code < 300
    again = ImageTag.objects.get()
    assert (again.pk, again.uuid, again.created_at) == (link.pk, link.uuid, link.created_at)
    assert again.user == link.user
    assert Tag.objects.count() == 1
    for reader in DOORS:
        assert doors[reader].tags(image) == ["knee"], reader


@pytest.mark.parametrize("writer", [Tim, Atmosphere, Deployed, SharinPix, OpenStack])
def test_all_but_ims_leave_the_value(doors, image, writer):
    doors[Ims].add(image, "side", "left")
    doors[writer].add(image, "side")
    assert doors[Ims].values(image) == {"side": "left"}


def test_ims_writes_the_value_anew_on_the_same_link(doors, image):
    doors[SharinPix].add(image, "side")
    link = ImageTag.objects.get()
    for value in ("left", "right"):
        assert doors[Ims].add(image, "side", value).status_code == 204
        assert doors[Ims].values(image) == {"side": value}
    assert ImageTag.objects.get().uuid == link.uuid


def test_tim_returns_the_tag_that_exists(doors, image):
    doors[Ims].add(image, "side")
    answer = doors[Tim].http.post("/v1/tags", {"name": "side"})
    assert (answer.status_code, answer.json()) == (
        201,
        {"id": Tag.objects.get().pk, "name": "side"},
    )


def test_sharinpix_returns_the_tag_and_the_link_that_exist(doors, image):
    doors[Tim].add(image, "side")
    tag, link = Tag.objects.get(), ImageTag.objects.get()
    answer = doors[SharinPix].http.post("/api/v1/tags", {"name": "side"})
    assert (answer.status_code, answer.json()["id"]) == (200, str(tag.uuid))
    (row,) = doors[SharinPix].add(image, "side").json()
    assert row["id"] == str(link.uuid)


@pytest.mark.parametrize("door", [Atmosphere, Deployed])
def test_atmosphere_says_200_instead_of_201(doors, image, door):
    doors[Tim].add(image, "side")
    body = {"image": image.pk, "tag": Tag.objects.get().pk}
    again = doors[door].http.post(f"{door.root}/image_tags", body)
    assert (again.status_code, again.json()["id"]) == (200, ImageTag.objects.get().pk)
    doors[Tim].remove(image, "side")
    assert doors[door].http.post(f"{door.root}/image_tags", body).status_code == 201
