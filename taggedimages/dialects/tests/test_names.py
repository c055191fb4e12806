"""Rule 1: names are brought to form NFC, apart from that stored exactly, and are unique exactly,
whichever API made them."""

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
from taggedimages.factories import TESTS, make_image, make_tag
from tags import tagging
from tags.models import ImageTag, Tag
from tags.names import joined

# What all of them take.
NAMES = ("Knee", "knee", "left knee", "膝", "Ünï-cödé_1")
WRITERS = (Tim, Atmosphere, Deployed, SharinPix, Ims)


@pytest.mark.parametrize("writer", WRITERS)
def test_every_door_shows_a_name_exactly_as_another_wrote_it(doors, image, writer):
    for name in NAMES:
        assert doors[writer].add(image, name).status_code < 300
    for reader in DOORS:
        assert doors[reader].tags(image) == list(NAMES), reader
        assert set(NAMES) <= set(doors[reader].vocabulary()), reader


@pytest.mark.parametrize("writer", DOORS)
def test_names_in_other_case_are_other_tags_to_every_door(doors, owner, writer):
    for name in ("Knee", "knee"):
        image = make_image(by=owner, filename=f"{name}.png")
        assert doors[writer].add(image, name).status_code < 300
    for reader in DOORS:
        assert doors[reader].found("Knee") == ["Knee.png"], reader
        assert doors[reader].found("knee") == ["knee.png"], reader
        assert doors[reader].count("KNEE") == 0, reader


@pytest.mark.parametrize("root", [Atmosphere.root, Deployed.root])
def test_only_posting_a_tag_to_atmosphere_refuses_a_twin_in_other_case(doors, image, root):
    doors[Tim].add(image, "Knee")
    refused = doors[Atmosphere].http.post(f"{root}/tags", {"name": "knee", "description": "k"})
    assert (refused.status_code, refused.json()) == (400, ["Another tag is named 'Knee'."])
    assert doors[Tim].http.post("/v1/tags", {"name": "knee"}).status_code == 201
    assert doors[SharinPix].http.post("/api/v1/tags", {"name": "KNEE"}).status_code == 200
    assert doors[Ims].add(image, "kNee").status_code == 204
    assert doors[Atmosphere].replace(image, ["Knee", "kneE"]).status_code == 200
    assert Tag.objects.filter(folded="knee").count() == 5


# Atmosphere and the OpenStack form take fewer characters; they show and find all.
@pytest.mark.parametrize("writer", [Tim, SharinPix, Ims])
@pytest.mark.parametrize(
    "name", ["a/b", "100%", "a.b=c", "a:;,?#&+", '"quoted"', "back\\slash", "\u00e9", "हाथ"]
)
def test_characters_that_mean_something_in_urls_and_queries(doors, image, writer, name):
    assert doors[writer].add(image, name).status_code < 300
    for reader in DOORS:
        assert doors[reader].tags(image) == [name], reader
        assert doors[reader].found(name) == ["knee.png"], reader


# One character and two that look the same.
ONE, TWO = "Zürich", "Zu\u0308rich"


def make_twin(name: str) -> Tag:
    """A tag as it was made before names were brought to form NFC."""
    return Tag.objects.create(name=name)


@pytest.mark.parametrize("writer", DOORS)
def test_what_looks_the_same_is_the_same(doors, image, writer):
    if writer is not OpenStack:
        make_tag(ONE)
    for name in (TWO, ONE, TWO):
        assert doors[writer].add(image, name).status_code < 300
    assert list(Tag.objects.values_list("name", flat=True)) == [ONE]
    assert ImageTag.objects.count() == 1
    for reader in DOORS:
        assert doors[reader].tags(image) == [ONE], reader
        assert doors[reader].found(TWO) == ["knee.png"], reader
        assert doors[reader].count(TWO) == 1, reader
    if writer not in (Tim, Atmosphere, Deployed):
        assert doors[writer].remove(image, TWO).status_code < 300
        assert doors[Tim].tags(image) == []


@pytest.mark.parametrize("writer", [Tim, Atmosphere, Deployed, SharinPix])
def test_a_new_name_of_a_tag_is_brought_to_that_form(doors, owner, writer):
    tag = tagging.tag(make_image(by=owner), ["knee"], TESTS)[0]
    assert doors[writer].rename(tag, TWO).status_code < 300
    tag.refresh_from_db()
    assert (tag.name, tag.folded) == (ONE, "zürich")


def test_several_names_that_are_one_give_one_link(doors, image):
    twice = [ONE, TWO]
    assert doors[Tim].replace(image, twice).status_code == 200
    assert doors[Atmosphere].replace(image, [*twice, "knee"]).status_code == 200
    body = {"filename": "new.png", "tags": twice}
    assert doors[Tim].http.post("/v1/images", body).status_code == 201
    batch = {"action": "create", "tags": [{"key": name, "value": "1"} for name in twice]}
    refused = doors[Ims].http.post(f"{doors[Ims].root}/{image.uuid}/tags/action", batch)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "IMG.0115")
    assert sorted(ImageTag.objects.values_list("tag__name", flat=True)) == [ONE, ONE, "knee"]


@pytest.mark.parametrize("door", DOORS)
def test_twins_of_before_are_each_found_by_their_exact_spelling(doors, owner, door):
    for name in (ONE, TWO):
        image = make_image(by=owner, filename=f"{len(name)}.png")
        ImageTag.objects.create(image=image, tag=make_twin(name))
        assert doors[door].tags(image) == [name]
    assert doors[door].found(ONE) == ["6.png"]
    assert doors[door].found(TWO) == ["7.png"]
    assert doors[door].add(image, TWO).status_code < 300
    assert doors[door].tags(image) == [TWO]


INVISIBLE = ("\u200b\u200b\u200b", "\u2060\u2060\u2060", "\u3164\u3164\u3164", "\ufe0f" * 3)
CONTROLS = ("be\x07ll", "line\u2028break", "ne\x85l")


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", [*INVISIBLE, *CONTROLS], ids=ascii)
def test_no_door_makes_a_tag_that_cannot_be_seen_or_has_controls(doors, image, door, name):
    assert doors[door].add(image, name).status_code == 400
    tag = make_tag("knee")
    if door not in (Ims, OpenStack):
        ImageTag.objects.create(image=image, tag=tag, user=image.created_by)
        assert doors[door].rename(tag, name).status_code == 400
    assert list(Tag.objects.values_list("name", flat=True)) == ["knee"]


@pytest.mark.parametrize("name", ["a|b", "|", "a\\", "\\|", "\\\\", "a\\b|c\\"])
def test_any_name_can_be_asked_for_in_a_list(doors, owner, name):
    make_image(name, "other", by=owner, filename="knee.png")
    make_image("a", "b", by=owner, filename="none.png")
    get = doors[Tim].get
    for parameter in ("exact_tags", "any_tags", "match_tags"):
        for names in ([name], [name, "other"]):
            found = get("/v1/search/images", **{parameter: joined(names)})["results"]
            assert [one["filename"] for one in found] == ["knee.png"], (parameter, names)
    found = get("/v1/search/images", not_tags=joined([name]))["results"]
    assert [one["filename"] for one in found] == ["none.png"]


def test_a_backslash_before_anything_else_is_itself(doors, owner):
    make_image("back\\slash", by=owner)
    assert doors[Tim].found("back\\slash") == doors[Tim].found("back\\\\slash") != []
    found = doors[Tim].get("/v1/search/images", match_tags="BACK\\%")["results"]
    assert len(found) == 1
