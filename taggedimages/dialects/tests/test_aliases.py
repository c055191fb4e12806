"""Of an alias: /v1 shows and finds its target, the published dialects go on with exact names."""

import pytest

from images.models import Image
from taggedimages.dialects.tests.doors import DOORS, Tim
from taggedimages.factories import make_image, make_tag
from taggedimages.identity.authors import Author
from taggedimages.identity.models import User
from tags import curation, tagging, vocabulary
from tags.models import AudienceTag, ImageTag, Tag

BY = Author(None, "v1")


@pytest.fixture
def alias(image: Image) -> Tag:
    """A link of `left-knee`, made by nobody in particular, which then is an alias of `knee`."""
    tagging.tag(image, ["left-knee"], BY)
    return vocabulary.alias(Tag.objects.get(name="left-knee"), make_tag("knee"), BY)


@pytest.mark.parametrize("door", DOORS)
def test_each_shows_its_own_name_of_a_link(doors, image, alias, door):
    assert doors[door].tags(image) == ["knee" if door is Tim else "left-knee"]


@pytest.mark.parametrize("door", DOORS)
def test_v1_alone_finds_by_either_name(doors, image, alias, door):
    assert doors[door].found("left-knee") == ["knee.png"]
    assert doors[door].count("knee") == (1 if door is Tim else 0)


@pytest.mark.parametrize("door", DOORS)
def test_what_is_written_is_read_again(doors, owner: User, alias, door):
    other = make_image(by=owner, filename="hip.png")
    doors[door].add(other, "left-knee")
    stored = set(ImageTag.objects.filter(image=other).values_list("tag__name", flat=True))
    assert stored == {"knee" if door is Tim else "left-knee"}
    assert doors[door].tags(other) == list(stored)
    assert doors[Tim].tags(other) == ["knee"]
    assert doors[Tim].found("knee") == ["hip.png", "knee.png"]


@pytest.mark.parametrize("door", DOORS)
def test_an_alias_is_listed_by_exact_doors_while_it_has_links(doors, image, alias, door):
    names = doors[door].vocabulary()
    assert ("left-knee" in names) is (door is not Tim)
    if door is not Tim:
        assert doors[door].remove(image, "left-knee").status_code < 300
        assert "left-knee" not in doors[door].vocabulary()


def test_whoever_creates_the_name_of_an_alias_that_is_not_shown_gets_it():
    make_tag("old")
    hidden = vocabulary.alias(Tag.objects.get(name="old"), make_tag("new"), BY)
    created = curation.define("old", "As it was", Author(None, "atmosphere"))
    assert (created.pk, created.description) == (hidden.pk, "As it was")
    assert AudienceTag.objects.filter(tag=created, audience=0).exists()
    with pytest.raises(curation.TagNameTaken):
        curation.define("OLD", "", Author(None, "atmosphere"))
