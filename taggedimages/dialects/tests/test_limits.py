"""Rule 2: limits belong to the API, not the table; what one made, all list and can remove."""

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
from tags.models import ImageTag

# The longest name that each gives to an image, and how it refuses one more character.
LONGEST = {
    Tim: (160, 400),
    Atmosphere: (128, 400),
    Deployed: (128, 400),
    SharinPix: (255, 404),
    Ims: (36, 400),
    OpenStack: (255, 400),
}


@pytest.mark.parametrize("writer", DOORS)
def test_each_door_has_its_own_longest_name(doors, image, writer):
    longest, refusal = LONGEST[writer]
    assert doors[writer].add(image, "x" * (longest + 1)).status_code == refusal
    assert doors[writer].add(image, "x" * longest).status_code < 300
    for reader in DOORS:
        assert doors[reader].tags(image) == ["x" * longest], reader
        assert doors[reader].found("x" * longest) == ["knee.png"], reader


@pytest.mark.parametrize("remover", DOORS)
@pytest.mark.parametrize("writer", DOORS)
def test_what_one_door_made_every_other_removes(doors, image, writer, remover):
    name = "x" * LONGEST[writer][0]
    doors[writer].add(image, name)
    assert doors[remover].remove(image, name).status_code < 300
    for reader in DOORS:
        assert doors[reader].tags(image) == [], reader


@pytest.mark.parametrize("writer", [Tim, SharinPix, Ims, OpenStack])
def test_names_too_short_for_posting_a_tag_to_tim_are_made_elsewhere(doors, image, writer):
    assert doors[Tim].http.post("/v1/tags", {"name": "xy"}).status_code == 400
    assert doors[writer].add(image, "x").status_code < 300
    assert doors[Tim].vocabulary() == ["x"]


def test_tim_renames_within_its_limits_alone(doors, image):
    doors[SharinPix].add(image, "x" * 255)
    tag = image.tags.get()
    assert doors[Tim].rename(tag, "y" * 161).status_code == 400
    assert doors[Tim].rename(tag, "y" * 160).status_code == 200
    assert doors[SharinPix].tags(image) == ["y" * 160]


def test_values_are_ims_s_alone_and_shown_nowhere_else(doors, image):
    assert doors[Ims].add(image, "side", "v" * 44).status_code == 400
    assert doors[Ims].add(image, "side", "v" * 43).status_code == 204
    for reader in DOORS:
        assert doors[reader].tags(image) == ["side"], reader


@pytest.mark.parametrize("writer", [Tim, Atmosphere, Deployed, SharinPix])
def test_only_ims_stops_at_ten_tags(doors, image, writer):
    for number in range(10):
        doors[Ims].add(image, f"tag{number}")
    assert doors[Ims].add(image, "more").status_code == 400
    assert doors[OpenStack].add(image, "more").status_code == 400
    assert doors[writer].add(image, "more").status_code < 300
    for reader in DOORS:
        assert len(doors[reader].tags(image)) == 11, reader
    assert doors[Ims].add(image, "more", "value").status_code == 204
    assert doors[Ims].remove(image, "more").status_code == 204
    assert ImageTag.objects.count() == 10
