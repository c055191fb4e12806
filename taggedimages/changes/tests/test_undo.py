"""Undoing a change: what comes back, what is left alone and why, and undoing that."""

from typing import Any

import pytest

from images.models import Image
from taggedimages.changes import batches, lifecycle, undoing, worker
from taggedimages.changes.models import Change, Outcome, State
from taggedimages.changes.tests.corpora import (
    applied,
    assert_adds_up,
    identities,
    make_change,
    of_outcome,
    refs,
)
from taggedimages.factories import TESTS, make_image, make_user
from taggedimages.identity.authors import Author
from tags import tagging
from tags.models import ImageTag, Tag

pytestmark = [pytest.mark.django_db(transaction=True)]
NOTHING_LEFT = {"changed_since": 0, "image_gone": 0, "tag_gone": 0, "forbidden": 0}


def tags_of(image: Image) -> dict[str, str]:
    return dict(ImageTag.objects.filter(image=image).values_list("tag__name", "value"))


def planned(change: Change) -> dict[str, Any]:
    assert change.plan
    plan: dict[str, Any] = change.plan
    return plan


def undone(change: Change, by: Author = TESTS) -> Change:
    """The undo of a change, applied."""
    undo = lifecycle.undo(change, by)
    assert undo.state == State.PLANNED, undo.problem
    return applied(lifecycle.apply(undo.pk, undo.digest, by))


def retagged(images: list[Image], by: Any = None) -> Change:
    """What adds, removes and sets values."""
    (side,) = refs("side")
    operation = {
        "add": refs("new"),
        "remove": refs("old"),
        "values": [{**side, "value": "right"}],
    }
    return applied(make_change(operation, images, by))


@pytest.fixture
def images() -> list[Image]:
    images = [make_image("old", "knee"), make_image("old"), make_image("new"), make_image()]
    tagging.set_values(images[0], {"side": "left", "old": "kept"}, TESTS)
    return images


def test_everything_comes_back_as_it_was(images):
    before = identities()
    change = retagged(images)
    undo = undone(change)
    assert identities() == before
    assert planned(undo)["left_alone"] == NOTHING_LEFT
    assert planned(undo)["links_added"] == 2
    assert planned(undo)["links_removed"] == 3 + 3
    assert planned(undo)["values_changed"] == 1
    assert undo.images == 4
    assert undo.outcomes == {"changed": 4}
    assert_adds_up(undo)


def test_an_undo_is_undone_and_that_too(images):
    before = identities()
    change = retagged(images)
    after = identities()
    first = undone(change)
    second = undone(first)
    assert identities() == after
    third = undone(second)
    assert identities() == before
    assert planned(third)["left_alone"] == NOTHING_LEFT
    # As if there had been none of them, the change can be undone once more when it is in force.
    undone(third)
    assert identities() == after
    last = undone(change)
    assert planned(last)["left_alone"] == NOTHING_LEFT
    assert identities() == before


def test_what_was_undone_already_is_no_more_to_be_undone(images):
    change = retagged(images)
    undone(change)
    undo = lifecycle.undo(change, TESTS)
    assert (undo.state, undo.images) == (State.PLANNED, 0)
    assert planned(undo)["left_alone"] == NOTHING_LEFT


def test_what_others_changed_since_is_left_alone_pair_by_pair(images):
    change = retagged(images)
    tagging.untag(images[0], [tag["id"] for tag in refs("new")], TESTS)
    tagging.set_values(images[1], {"side": "other"}, TESTS)
    # Of no pair that the change has touched.
    tagging.tag(images[2], ["elsewhere"], TESTS)
    tagging.set_values(images[3], {"side": "other", "new": "other"}, TESTS)
    undo = undone(change)
    assert planned(undo)["left_alone"] == NOTHING_LEFT | {"changed_since": 3}
    assert undo.images == 3
    assert tags_of(images[0]) == {"old": "kept", "knee": "", "side": "left"}
    assert tags_of(images[1]) == {"old": "", "side": "other"}
    assert tags_of(images[2]) == {"new": "", "elsewhere": ""}
    assert tags_of(images[3]) == {"side": "other", "new": "other"}


def test_somebody_who_made_it_so_again_has_changed_it_too():
    image = make_image("old")
    change = applied(make_change({"remove": refs("old")}, [image]))
    tagging.tag(image, ["old"], TESTS)
    tagging.untag(image, [tag["id"] for tag in refs("old")], TESTS)
    undo = lifecycle.undo(change, TESTS)
    assert planned(undo)["left_alone"] == NOTHING_LEFT | {"changed_since": 1}
    assert undo.images == 0


def test_changes_between_plan_and_apply_are_left_alone_too(images):
    change = retagged(images)
    undo = lifecycle.undo(change, TESTS)
    tagging.set_values(images[3], {"side": "other", "new": "other"}, TESTS)
    gone = images[2].pk
    images[2].delete()
    applied(lifecycle.apply(undo.pk, undo.digest, TESTS))
    undo.refresh_from_db()
    assert of_outcome(undo, Outcome.CHANGED_SINCE) == [images[3].pk]
    assert of_outcome(undo, Outcome.GONE) == [gone]
    assert_adds_up(undo)


def test_images_and_tags_that_are_gone_are_named():
    first, second = make_image("old"), make_image("old")
    change = applied(make_change({"add": refs("a", "b"), "remove": refs("old")}, [first, second]))
    first.delete()
    Tag.objects.get(name="old").delete()
    undo = undone(change)
    assert planned(undo)["left_alone"] == NOTHING_LEFT | {"image_gone": 1, "tag_gone": 1}
    assert tags_of(second) == {}


def test_images_that_are_not_the_authors_are_forbidden(settings):
    settings.ANONYMOUS = "read-only"
    mira, other = make_user("mira"), make_user("other", project_id="elsewhere")
    mine, others = make_image(by=mira), make_image(by=other)
    change = applied(make_change({"add": refs("a")}, [mine, others]))
    undo = undone(change, Author(mira, "tests"))
    assert planned(undo)["left_alone"] == NOTHING_LEFT | {"forbidden": 1}
    assert planned(undo)["forbidden"] == 1
    assert (tags_of(mine), tags_of(others)) == ({}, {"a": ""})


def test_later_changes_that_were_undone_do_not_count(images):
    before = identities()
    change = retagged(images)
    later = applied(make_change({"remove": refs("new", "side")}, images))
    undone(later)
    undo = undone(change)
    assert planned(undo)["left_alone"] == NOTHING_LEFT
    assert identities() == before


def test_a_later_change_that_holds_counts(images):
    change = retagged(images)
    applied(make_change({"remove": refs("side")}, images[:1]))
    undo = lifecycle.undo(change, TESTS)
    assert planned(undo)["left_alone"] == NOTHING_LEFT | {"changed_since": 1}


def test_an_author_who_is_gone_is_nobody_and_the_link_comes_back_all_the_same():
    mira = make_user("mira")
    image = make_image("old", by=mira)
    change = applied(make_change({"remove": refs("old")}, [image]))
    Image.objects.update(created_by=None)
    mira.delete()
    undone(change)
    assert ImageTag.objects.get().user is None


def test_what_was_done_of_a_change_that_was_stopped_is_undone():
    images = [make_image("old") for _ in range(5)]
    before = identities()
    change = make_change({"remove": refs("old")}, images)
    claimed = worker.claim(worker.WORKER)
    assert claimed is not None
    batches.apply_next(claimed, 2)
    lifecycle.stop(change.pk)
    change.refresh_from_db()
    assert len(identities()) == 3
    undo = undone(change)
    assert undo.images == 2
    assert identities() == before


@pytest.mark.parametrize("probed", [0, 10_000])
def test_both_ways_of_looking_at_what_happened_since_say_the_same(images, probed, monkeypatch):
    monkeypatch.setattr(undoing, "PROBED_MOST", probed)
    before = identities()
    change = retagged(images)
    undone(change)
    assert identities() == before
    change = retagged(images)
    tagging.set_values(images[1], {"side": "other"}, TESTS)
    assert planned(lifecycle.undo(change, TESTS))["left_alone"] == NOTHING_LEFT | {
        "changed_since": 1
    }


def test_a_sample_shows_tags_before_and_after():
    image = make_image("old", "knee")
    change = applied(make_change({"add": refs("new"), "remove": refs("old")}, [image]))
    undo = lifecycle.undo(change, TESTS)
    (shown,) = planned(undo)["sample"]
    assert (shown["id"], shown["before"], set(shown["after"])) == (
        image.pk,
        ["knee", "new"],
        {"old", "knee"},
    )
