"""The links that images had at an instant, whatever became of links and tags since."""

from contextlib import suppress
from datetime import datetime

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from taggedimages.factories import make_image, make_tag
from taggedimages.identity.authors import Author
from tags import curation, tagging
from tags.models import ImageTag, Tag
from tags.past.links import PastLink, of_images

pytestmark = pytest.mark.django_db(transaction=True)
BY = Author(None, "v1", is_operator=True)
NAMES = ["knee", "hip", "left"]
Links = dict[tuple[int, int], str]


def now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        instant: datetime = cursor.fetchone()[0]
        return instant


def present() -> Links:
    return {(link.image_id, link.tag_id): link.value for link in ImageTag.objects.all()}


def past(images: list[int], at: datetime) -> Links:
    return {
        (image, link.tag_id): link.value
        for image, links in of_images(images, at).items()
        for link in links
    }


def test_a_link_is_there_from_its_coming_to_its_going():
    image = make_image()
    before = now()
    tagging.set_values(image, {"knee": "left"}, BY)
    tag = Tag.objects.get(name="knee").pk
    between = now()
    tagging.set_values(image, {"knee": "right"}, BY)
    changed = now()
    curation.delete(Tag.objects.get(pk=tag), BY)
    assert of_images([image.pk], before) == {image.pk: []}
    assert of_images([image.pk], between) == {image.pk: [PastLink(tag, "left")]}
    assert of_images([image.pk], changed) == {image.pk: [PastLink(tag, "right")]}
    assert of_images([image.pk], now()) == {image.pk: []}


def test_a_link_without_a_line_has_always_been_there():
    image, tag = make_image(), make_tag("knee")
    at = now()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE tags_imagetag DISABLE TRIGGER record_added")
        tagging.tag(image, ["knee"], BY)
        cursor.execute("ALTER TABLE tags_imagetag ENABLE TRIGGER record_added")
    assert past([image.pk], at) == {(image.pk, tag.pk): ""}
    tagging.untag(image, [tag.pk], BY)
    assert past([image.pk], at) == {(image.pk, tag.pk): ""}
    assert past([image.pk], now()) == {}


def test_only_what_is_asked_is_told():
    asked, other = make_image("knee"), make_image("hip")
    assert set(of_images([asked.pk, asked.pk], now())) == {asked.pk}
    assert of_images([], now()) == {}
    assert other.pk


change = st.one_of(
    st.tuples(st.just("tag"), st.integers(0, 2), st.sets(st.sampled_from(NAMES), min_size=1)),
    st.tuples(st.just("retag"), st.integers(0, 2), st.sets(st.sampled_from(NAMES))),
    st.tuples(st.just("value"), st.integers(0, 2), st.sampled_from(NAMES)),
    st.tuples(st.just("untag"), st.integers(0, 2), st.sampled_from(NAMES)),
    st.tuples(st.just("rename"), st.sampled_from(NAMES), st.sampled_from(NAMES)),
    st.tuples(st.just("delete"), st.sampled_from(NAMES), st.none()),
)


def do(images, what, one, other):
    match what:
        case "tag":
            tagging.tag(images[one], sorted(other), BY)
        case "retag":
            tagging.retag(images[one], sorted(other), BY)
        case "value":
            tagging.set_values(images[one], {other: f"value of {one}"}, BY)
        case "untag":
            tagging.untag(images[one], [tag.pk for tag in Tag.objects.filter(name=other)], BY)
        case "rename":
            with suppress(curation.TagNameTaken):
                for tag in Tag.objects.filter(name=one):
                    curation.rename(tag, other, BY)
        case "delete":
            for tag in Tag.objects.filter(name=one):
                curation.delete(tag, BY)


@settings(max_examples=15, deadline=None)
@given(changes=st.lists(change, max_size=12))
def test_each_state_that_there_was_is_told_afterwards(changes):
    images = [make_image() for _ in range(3)]
    ids = [image.pk for image in images]
    states = []
    for one in changes:
        do(images, *one)
        states.append((now(), {link: value for link, value in present().items() if link[0] in ids}))
    for at, links in states:
        assert past(ids, at) == links
