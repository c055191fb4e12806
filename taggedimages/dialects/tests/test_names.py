"""Rule 1: names are stored exactly and are unique exactly, whichever API made them."""

import pytest

from taggedimages.dialects.tests.doors import DOORS, Atmosphere, Deployed, Ims, SharinPix, Tim
from taggedimages.factories import make_image
from tags.models import Tag

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
    "name", ["a/b", "100%", "a.b=c", "a:;,?#&+", '"quoted"', "back\\slash", "\u00e9", "e\u0301"]
)
def test_characters_that_mean_something_in_urls_and_queries(doors, image, writer, name):
    assert doors[writer].add(image, name).status_code < 300
    for reader in DOORS:
        assert doors[reader].tags(image) == [name], reader
        assert doors[reader].found(name) == ["knee.png"], reader
