"""Applying a change: what it does to links, and what becomes of each image."""

import pytest

from taggedimages.changes.models import Outcome, RemovedLink, State
from taggedimages.changes.tests.corpora import (
    applied,
    assert_adds_up,
    make_change,
    of_outcome,
    refs,
)
from taggedimages.factories import TESTS, make_image, make_user
from tags import resolving, tagging
from tags.models import ImageTag, TagChange

pytestmark = [pytest.mark.django_db(transaction=True)]


def tags_of(image) -> dict[str, str]:
    return dict(ImageTag.objects.filter(image=image).values_list("tag__name", "value"))


def test_tags_come_and_go_and_values_are_set():
    images = [make_image("knee", "old"), make_image("old"), make_image("knee", "new")]
    tagging.set_values(images[2], {"side": "left"}, TESTS)
    (value,) = refs("side")
    change = make_change(
        {"add": refs("new"), "remove": refs("old"), "values": [{**value, "value": "right"}]}, images
    )
    assert applied(change).state == State.APPLIED
    assert tags_of(images[0]) == {"knee": "", "new": "", "side": "right"}
    assert tags_of(images[1]) == {"new": "", "side": "right"}
    assert tags_of(images[2]) == {"knee": "", "new": "", "side": "right"}
    assert change.outcomes == {"changed": 3}
    assert_adds_up(change)


def test_replacing_leaves_nothing_but_what_is_named():
    images = [make_image("knee", "a", "b"), make_image("knee"), make_image("c")]
    kept = ImageTag.objects.get(image=images[0], tag__name="knee").pk
    change = applied(make_change({"replace": refs("knee")}, images))
    assert [tags_of(image) for image in images] == [{"knee": ""}] * 3
    assert ImageTag.objects.get(image=images[0]).pk == kept
    assert change.outcomes == {"changed": 2, "already": 1}
    assert_adds_up(change)


def test_a_tag_that_was_not_there_is_made_once():
    images = [make_image() for _ in range(3)]
    change = applied(make_change({"add": [{"id": None, "name": "brand new"}]}, images))
    assert [tags_of(image) for image in images] == [{"brand new": ""}] * 3
    (ref,) = change.operation["add"]
    assert ref == refs("brand new")[0]


def test_every_line_carries_the_change_and_its_author():
    mira = make_user("mira")
    image = make_image("old", by=mira)
    change = applied(make_change({"add": refs("new"), "remove": refs("old")}, [image], mira))
    lines = TagChange.objects.filter(bulk=change.pk)
    assert {line.tag_name for line in lines} == {"old", "new"}
    assert {(line.user_name, line.through, line.change_id) for line in lines} == {
        ("mira", "tests", change.uuid)
    }
    assert len({line.changed_at for line in lines}) == 1


def test_what_is_taken_away_is_kept_with_its_whole_identity():
    image = make_image()
    tagging.set_values(image, {"old": "x", "side": "left"}, TESTS)
    before = {link.tag_id: link for link in ImageTag.objects.filter(image=image)}
    (old,), (side,) = refs("old"), refs("side")
    change = applied(
        make_change({"remove": [old], "values": [{**side, "value": "right"}]}, [image])
    )
    for tag in (old["id"], side["id"]):
        kept = RemovedLink.objects.get(change=change, image_id=image.pk, tag_id=tag)
        link = before[tag]
        assert (kept.link_id, kept.link_uuid, kept.value) == (link.pk, link.uuid, link.value)
        assert (kept.user_id, kept.created_at) == (link.user_id, link.created_at)


def test_each_image_is_judged_anew(settings):
    settings.ANONYMOUS = "read-only"
    mira, other = make_user("mira"), make_user("other", project_id="elsewhere")
    mine, gone, hidden, not_mine = (
        make_image("a", by=mira),
        make_image("a", by=mira),
        make_image("a", by=other, private=True),
        make_image("a", by=other),
    )
    change = make_change({"add": refs("b")}, [mine, gone, hidden, not_mine, 10**6], mira)
    gone_id = gone.pk
    gone.delete()
    applied(change)
    assert of_outcome(change, Outcome.CHANGED) == [mine.pk]
    assert of_outcome(change, Outcome.GONE) == [gone_id, hidden.pk, 10**6]
    assert of_outcome(change, Outcome.FORBIDDEN) == [not_mine.pk]
    assert_adds_up(change)


def test_restricted_tags_stay_restricted(settings):
    settings.RESTRICTED_TAGS = ["approved"]
    mira = make_user("mira")
    with_it, without = make_image("approved", by=mira), make_image("a", by=mira)
    change = applied(make_change({"replace": refs("a")}, [with_it, without], mira))
    assert of_outcome(change, Outcome.FORBIDDEN) == [with_it.pk]
    assert tags_of(with_it) == {"approved": ""}
    boss = make_user("boss", staff=True)
    change = applied(make_change({"replace": refs("a")}, [with_it, without], boss))
    assert tags_of(with_it) == {"a": ""}


def test_a_change_whose_tag_was_deleted_fails_and_says_so():
    image = make_image()
    tag = resolving.resolve(["doomed"])[0]
    change = make_change({"add": refs("doomed")}, [image])
    tag.delete()
    assert applied(change).state == State.FAILED
    assert "doomed" in change.problem
    assert change.done == 0


def test_a_change_whose_author_is_gone_fails():
    mira = make_user("mira")
    change = make_change({"add": refs("a")}, [make_image(by=mira)], mira)
    mira.delete()
    assert applied(change).state == State.FAILED
    assert "mira" in change.problem
