"""Rule 3: replacing a set of tags is a diff; links that stay keep all that they hold."""

import pytest

from taggedimages.dialects.tests.doors import DOORS, Atmosphere, Deployed, Ims, SharinPix, Tim
from tags.models import ImageTag

FIELDS = ("id", "uuid", "value", "created_at", "user__username")


def held(name):
    return ImageTag.objects.values_list(*FIELDS).get(tag__name=name)


@pytest.fixture
def tagged(doors, image):
    """Ada's image, with a tag of each kind of maker."""
    doors[Ims].add(image, "side", "left")
    doors[SharinPix].add(image, "knee")
    doors[Tim].add(image, "old")
    return image


@pytest.mark.parametrize("replacer", [Tim, Atmosphere, Deployed])
def test_links_that_stay_keep_id_uuid_value_time_and_user(tagged, bobs, replacer):
    before = {name: held(name) for name in ("side", "knee")}
    assert bobs[replacer].replace(tagged, ["new", "knee", "side"]).status_code == 200
    assert {name: held(name) for name in ("side", "knee")} == before
    assert held("side")[2:] == ("left", before["side"][3], "ada")
    assert held("new")[4] == "bob"


@pytest.mark.parametrize("replacer", [Tim, Atmosphere, Deployed])
def test_every_door_shows_the_set_in_the_order_of_its_links(tagged, doors, replacer):
    assert doors[replacer].replace(tagged, ["new", "knee", "side", "new"]).status_code == 200
    for reader in DOORS:
        assert doors[reader].tags(tagged) == ["side", "knee", "new"], reader
    assert doors[Ims].values(tagged) == {"side": "left", "knee": "", "new": ""}


@pytest.mark.parametrize("replacer", [Tim, Atmosphere, Deployed])
def test_the_other_doors_show_the_same_links_as_before(tagged, doors, replacer):
    def shown():
        rows = doors[SharinPix].links(tag_name="side")
        links = doors[Atmosphere].links(tag__name="side")
        return (
            [(row["id"], row["created_at"], row["user"]) for row in rows],
            [link["id"] for link in links],
        )

    before = shown()
    doors[replacer].replace(tagged, ["side"])
    assert shown() == before


@pytest.mark.parametrize("replacer", [Tim, Atmosphere, Deployed])
def test_the_same_set_again_changes_nothing_and_leaves_no_line_of_history(tagged, doors, replacer):
    def lines():
        return doors[Tim].get(f"/v1/images/{tagged.pk}/history")["results"]

    before = lines()
    doors[replacer].replace(tagged, ["side", "knee", "old"])
    assert lines() == before


@pytest.mark.parametrize("replacer", [Tim, Atmosphere, Deployed])
def test_a_refused_set_leaves_the_old_one(tagged, doors, replacer):
    assert doors[replacer].replace(tagged, ["new", "x" * 161]).status_code == 400
    for reader in DOORS:
        assert doors[reader].tags(tagged) == ["side", "knee", "old"], reader
