"""Rules 5 and 6: a tag renamed or deleted through one API is so on every image, in all of them."""

import pytest

from images.models import Image
from taggedimages.dialects.tests.doors import DOORS, Atmosphere, Deployed, Ims, SharinPix, Tim
from taggedimages.factories import make_image
from tags.models import ImageTag, Tag

RENAMERS = (Tim, Atmosphere, Deployed, SharinPix)
# How each says that another tag has the name.
CLASH = {Tim: 409, Atmosphere: 400, Deployed: 400, SharinPix: 400}


@pytest.fixture
def pair(doors, image, owner):
    """Two images with the key `side`, of different values, and one more tag on the first."""
    other = make_image(by=owner, filename="hip.png")
    doors[Ims].add(image, "side", "left")
    doors[Ims].add(other, "side", "right")
    doors[SharinPix].add(image, "knee")
    return image, other


@pytest.mark.parametrize("renamer", RENAMERS)
def test_renaming_changes_the_key_on_every_image_and_no_value(doors, pair, renamer):
    links = list(ImageTag.objects.order_by("id").values_list("uuid", "value", "created_at"))
    assert doors[renamer].rename(Tag.objects.get(name="side"), "Laterality").status_code == 200
    first, second = pair
    for reader in DOORS:
        assert doors[reader].tags(first) == ["Laterality", "knee"], reader
        assert doors[reader].tags(second) == ["Laterality"], reader
        assert doors[reader].found("Laterality") == ["hip.png", "knee.png"], reader
        assert doors[reader].count("side") == 0, reader
    assert doors[Ims].values(first) == {"Laterality": "left", "knee": ""}
    assert doors[Ims].values(second) == {"Laterality": "right"}
    assert list(ImageTag.objects.order_by("id").values_list("uuid", "value", "created_at")) == links


@pytest.mark.parametrize("renamer", RENAMERS)
def test_renaming_to_the_name_of_another_tag_is_refused(doors, pair, renamer):
    answer = doors[renamer].rename(Tag.objects.get(name="side"), "knee")
    assert answer.status_code == CLASH[renamer]
    for reader in DOORS:
        assert doors[reader].tags(pair[0]) == ["side", "knee"], reader
    assert doors[Ims].values(pair[0]) == {"side": "left", "knee": ""}


@pytest.mark.parametrize("renamer", RENAMERS)
def test_renaming_to_the_same_name_is_no_clash(doors, pair, renamer):
    assert doors[renamer].rename(Tag.objects.get(name="side"), "side").status_code == 200


@pytest.mark.parametrize("renamer", RENAMERS)
def test_a_change_of_case_alone_is_no_clash(doors, pair, renamer):
    assert doors[renamer].rename(Tag.objects.get(name="side"), "Side").status_code == 200
    for reader in DOORS:
        assert doors[reader].tags(pair[1]) == ["Side"], reader


@pytest.mark.parametrize("remover", [Tim, Atmosphere, Deployed])
def test_deleting_a_tag_removes_its_links_in_all_doors_and_no_image(doors, pair, remover):
    tag = Tag.objects.get(name="side")
    assert doors[remover].delete_tag(tag).status_code == 204
    assert doors[remover].delete_tag(tag).status_code == 404
    first, second = pair
    for reader in DOORS:
        assert doors[reader].tags(first) == ["knee"], reader
        assert doors[reader].tags(second) == [], reader
        assert doors[reader].found("side") == [], reader
        assert doors[reader].vocabulary() == ["knee"], reader
        assert doors[reader].files() == ["hip.png", "knee.png"], reader
    assert Image.objects.count() == 2


@pytest.mark.parametrize("door", [SharinPix, Ims])
def test_the_others_have_no_way_to_delete_a_tag(doors, pair, door):
    tag = Tag.objects.get(name="side")
    path = {SharinPix: f"/api/v1/tags/{tag.uuid}", Ims: f"{doors[Ims].root}/tags"}[door]
    assert doors[door].http.delete(path).status_code == 405


def test_a_tag_made_anew_under_a_deleted_name_has_no_links(doors, pair):
    doors[Tim].delete_tag(Tag.objects.get(name="side"))
    doors[Tim].http.post("/v1/tags", {"name": "side"})
    for reader in DOORS:
        assert doors[reader].count("side") == 0, reader
