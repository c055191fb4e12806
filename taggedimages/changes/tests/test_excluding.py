"""Single images are taken out of a plan: it is another plan then, and leaves them alone."""

import pytest

from images.models import Image
from images.visibility import Viewer
from search.query import Query
from taggedimages.changes import lifecycle, operations, planning, sets
from taggedimages.changes.models import Change, State
from taggedimages.changes.refusals import OtherDigest, TooManyExcluded, WrongState
from taggedimages.changes.tests.corpora import applied, assert_adds_up
from taggedimages.factories import TESTS, make_image, make_user
from taggedimages.identity.authors import ADMIN, Author

pytestmark = pytest.mark.django_db


def plan(add: str = "seen") -> Change:
    """A plan of all images with a knee."""
    operation = operations.proposed({"add": [add]}, Viewer(audiences=None))
    return lifecycle.propose(operation, Query(exact_tags=("knee",)), TESTS)


def tags_of(image: Image) -> set[str]:
    return set(image.tags.values_list("name", flat=True))


def test_a_plan_without_some_images_is_another_plan_of_what_is_left() -> None:
    out, left, done = make_image("knee"), make_image("knee"), make_image("knee", "seen")
    first = plan()
    assert first.plan
    assert "excluded" not in first.plan

    without = lifecycle.exclude(first.pk, [out.pk, make_image().pk, 2**40], TESTS)

    assert without.state == State.PLANNED
    assert without.plan
    assert without.excluded == [out.pk]
    assert list(sets.of(without.pk)) == [left.pk, done.pk]
    numbers = ("images", "links_added", "already", "forbidden", "excluded")
    assert [without.plan[name] for name in numbers] == [2, 1, 1, 0, 1]
    assert [one["id"] for one in without.plan["sample"]] == [left.pk]
    assert without.digest not in ("", first.digest)
    with pytest.raises(OtherDigest):
        lifecycle.apply(first.pk, first.digest, TESTS)

    back = lifecycle.include(first.pk, [out.pk, left.pk], TESTS)
    assert (back.excluded, back.digest, back.plan) == ([], first.digest, first.plan)


@pytest.mark.django_db(transaction=True)
def test_what_is_taken_out_is_left_alone_and_is_no_drift() -> None:
    out, left = make_image("knee"), make_image("knee")
    change = lifecycle.exclude(plan().pk, [out.pk], TESTS)
    change = lifecycle.apply(change.pk, change.digest, TESTS, "refuse")
    assert change.drift == 0
    change = applied(change)
    assert_adds_up(change)
    assert (tags_of(out), tags_of(left)) == ({"knee"}, {"knee", "seen"})
    with pytest.raises(WrongState):
        lifecycle.exclude(change.pk, [left.pk], TESTS)


def test_taking_out_the_same_once_more_changes_nothing() -> None:
    out, _ = make_image("knee"), make_image("knee")
    once = lifecycle.exclude(plan().pk, [out.pk], TESTS)
    again = lifecycle.exclude(once.pk, [out.pk, out.pk], TESTS)
    assert (again.digest, again.updated_at) == (once.digest, once.updated_at)


def test_it_stays_taken_out_when_the_worker_plans_it(monkeypatch: pytest.MonkeyPatch) -> None:
    out, left = make_image("knee"), make_image("knee")
    change = plan()
    monkeypatch.setattr(lifecycle, "FEW", 0)
    waiting = lifecycle.exclude(change.pk, [out.pk], TESTS)
    assert (waiting.state, waiting.plan, waiting.digest) == (State.PLANNING, None, "")
    with pytest.raises(WrongState):
        lifecycle.apply(change.pk, change.digest, TESTS)
    later = make_image("knee")
    assert planning.plan_next()
    waiting.refresh_from_db()
    assert list(sets.of(change.pk)) == [left.pk, later.pk]


def test_so_many_are_taken_out_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    images = [make_image("knee").pk for _ in range(3)]
    change = plan()
    monkeypatch.setattr(lifecycle, "EXCLUDED_MAX", 2)
    lifecycle.exclude(change.pk, images[:2], TESTS)
    with pytest.raises(TooManyExcluded):
        lifecycle.exclude(change.pk, images[2:], TESTS)
    change.refresh_from_db()
    assert (change.state, change.excluded) == (State.PLANNED, images[:2])


def test_nobody_takes_out_what_they_are_not_shown() -> None:
    mira = Author(make_user("mira", project_id="lab", staff=True), ADMIN)
    far = make_image("knee", by=make_user("omar", project_id="far"))
    change = plan()
    assert lifecycle.exclude(change.pk, [far.pk], mira).excluded == []


@pytest.mark.django_db(transaction=True)
def test_an_undo_leaves_out_what_was_taken_out_and_is_no_whole_one() -> None:
    out, left = make_image("knee"), make_image("knee")
    first = plan()
    lifecycle.apply(first.pk, first.digest, TESTS)
    first = applied(first)
    undo = lifecycle.undo(first, TESTS)
    undo = lifecycle.exclude(undo.pk, [out.pk], TESTS)
    assert undo.plan
    assert (undo.plan["images"], undo.plan["links_removed"]) == (1, 1)
    assert undo.plan["left_alone"] == dict.fromkeys(undo.plan["left_alone"], 0)
    lifecycle.apply(undo.pk, undo.digest, TESTS)
    applied(undo)
    assert (tags_of(out), tags_of(left)) == ({"knee", "seen"}, {"knee"})
    # What is left of the first is still its to take back.
    rest = lifecycle.undo(first, TESTS)
    assert list(sets.of(rest.pk)) == [out.pk]
    lifecycle.apply(rest.pk, rest.digest, TESTS)
    applied(rest)
    assert tags_of(out) == {"knee"}
