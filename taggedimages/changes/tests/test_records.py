"""Changes of records: images that are hidden, shown, ended and thrown away, and brought back."""

from datetime import timedelta

import pytest
from django.utils import timezone

from images import deletion, editing
from images.models import Image
from images.visibility import Visibility
from search.query import Query, TagValues
from search.results import SearchResults
from taggedimages.changes import lifecycle, operations
from taggedimages.changes.immediate import at_once, undo_at_once
from taggedimages.changes.models import Change, Kind, Outcome, RecordState, State
from taggedimages.changes.operations import Operation
from taggedimages.changes.refusals import BadOperation
from taggedimages.changes.rights import viewer_of
from taggedimages.changes.tests.corpora import (
    applied,
    assert_adds_up,
    identities,
    of_outcome,
    record_states,
)
from taggedimages.factories import TESTS, make_image, make_user
from taggedimages.identity.authors import ADMIN, Author

pytestmark = [pytest.mark.django_db(transaction=True)]
KNEES = Query(with_all=(TagValues("knee"),))


def doing(action: str) -> Operation:
    return operations.proposed({"images": action}, viewer_of(TESTS))


def proposed(action: str, by: Author = TESTS, query: Query = KNEES) -> Change:
    return lifecycle.propose(doing(action), query, by)


def done(change: Change, by: Author = TESTS) -> Change:
    """The change, applied by the worker."""
    assert change.state == State.PLANNED, change.problem
    change = applied(lifecycle.apply(change.pk, change.digest, by))
    assert change.state == State.APPLIED, change.problem
    assert_adds_up(change)
    return change


def undone(change: Change, by: Author = TESTS) -> Change:
    return done(lifecycle.undo(change, by), by)


def test_hiding_makes_private_what_is_found_and_undoing_gives_each_back_what_it_had():
    public = make_image("knee")
    project = make_image("knee", visibility=Visibility.PROJECT)
    private = make_image("knee", private=True)
    other = make_image("hip")
    before = record_states()
    change = proposed("hide")
    assert (change.kind, change.operation) == (
        Kind.RECORDS,
        {"images": "hide", "visibility": "private"},
    )
    assert change.plan is not None
    assert (change.plan["images"], change.plan["already"], change.plan["records_changed"]) == (
        3,
        1,
        2,
    )
    assert change.plan["links_added"] == change.plan["links_removed"] == 0
    assert {one["id"] for one in change.plan["sample"]} == {public.pk, project.pk}
    (sample,) = (one for one in change.plan["sample"] if one["id"] == project.pk)
    assert sample["before"] == sample["after"] == ["knee"]
    assert sample["record_before"] == {"visibility": "project", "ended": False, "trashed": False}
    assert sample["record_after"] == {"visibility": "private", "ended": False, "trashed": False}
    assert record_states() == before
    change = done(change)
    assert change.outcomes == {"changed": 2, "already": 1}
    assert of_outcome(change, Outcome.ALREADY) == [private.pk]
    assert set(Image.objects.filter(visibility=2)) == {public, project, private}
    undo = undone(change)
    assert undo.outcomes == {"changed": 2}
    assert record_states() == before
    assert other.pk in before


@pytest.mark.parametrize(
    ("default", "visible"), [("public", "public"), ("project", "project"), ("private", "project")]
)
def test_showing_gives_what_new_images_have_and_hides_nothing(settings, default, visible):
    settings.VISIBILITY = default
    images = [make_image("knee", visibility=step) for step in Visibility]
    change = done(proposed("show"))
    assert change.operation == {"images": "show", "visibility": visible}
    step = Visibility[visible.upper()]
    assert [Image.objects.get(pk=image.pk).visibility for image in images] == [
        min(image.visibility, step) for image in images
    ]
    undone(change)
    assert [Image.objects.get(pk=image.pk).visibility for image in images] == list(Visibility)


@pytest.mark.parametrize("action", ["end", "trash"])
def test_what_is_ended_is_out_of_sight_and_comes_back_with_its_tags(action):
    later = timezone.now() + timedelta(days=1)
    images = [make_image("knee"), make_image("knee", ended_at=later), make_image("hip")]
    before, links = record_states(), identities()
    change = done(proposed(action))
    assert change.outcomes == {"changed": 2}
    assert set(Image.objects.current()) == {images[2]}
    assert SearchResults(KNEES, viewer_of(TESTS)).count() == 0
    for image in Image.objects.filter(pk__in=[images[0].pk, images[1].pk]):
        assert image.ended_at is not None
        assert image.trashed_at == (image.ended_at if action == "trash" else None)
        assert image.deleted_at is None
    undo = undone(change)
    assert undo.plan is not None
    (first, *_) = undo.plan["sample"]
    assert first["record_before"] == {
        "visibility": "public",
        "ended": True,
        "trashed": action == "trash",
    }
    assert first["record_after"] == {"visibility": "public", "ended": False, "trashed": False}
    assert (record_states(), identities()) == (before, links)
    assert SearchResults(KNEES, viewer_of(TESTS)).count() == 2
    again = undone(undo)
    assert again.outcomes == {"changed": 2}
    assert set(Image.objects.current()) == {images[2]}
    undone(again)
    assert record_states() == before


def test_what_goes_to_the_trash_again_is_kept_as_long_as_anything_there():
    image = make_image("knee")
    change = done(proposed("trash"))
    long_ago = timezone.now() - timedelta(days=400)
    Image.objects.filter(pk=image.pk).update(trashed_at=long_ago)
    RecordState.objects.update(trashed_after=long_ago)
    began = timezone.now()
    undone(undone(change))
    image.refresh_from_db()
    assert image.trashed_at is not None
    assert image.trashed_at >= began


def test_what_others_touched_since_or_deleted_stays_as_it_is():
    kept, edited, deleted, gone, restored = (make_image("knee") for _ in range(5))
    change = done(proposed("trash"))
    Image.objects.filter(pk=edited.pk).update(ended_at=timezone.now() - timedelta(days=3))
    deletion.delete(deleted)
    deletion.restore(restored)
    Image.objects.filter(pk=gone.pk).delete()
    planned = lifecycle.undo(change, TESTS)
    assert planned.plan is not None
    assert planned.plan["left_alone"] == {
        "changed_since": 1,
        "image_gone": 2,
        "tag_gone": 0,
        "forbidden": 0,
    }
    assert planned.images == 1
    done(planned)
    assert set(Image.objects.current()) == {kept, restored}


def test_what_is_touched_between_plan_and_undo_is_judged_again():
    images = [make_image("knee") for _ in range(4)]
    change = done(proposed("hide"))
    undo = lifecycle.undo(change, TESTS)
    editing.edit(images[0], {"visibility": Visibility.PROJECT})
    editing.edit(images[1], {"visibility": Visibility.PUBLIC})
    deletion.delete(images[2])
    done(undo)
    assert undo.images == 4
    assert of_outcome(undo, Outcome.CHANGED_SINCE) == [images[0].pk]
    assert of_outcome(undo, Outcome.ALREADY) == [images[1].pk]
    assert of_outcome(undo, Outcome.GONE) == [images[2].pk]
    assert of_outcome(undo, Outcome.CHANGED) == [images[3].pk]


def test_only_what_a_change_was_about_counts_as_touched():
    image = make_image("knee")
    hidden = done(proposed("hide"))
    ended = done(proposed("trash"))
    assert undone(hidden).outcomes == {"changed": 1}
    assert undone(ended).outcomes == {"changed": 1}
    image.refresh_from_db()
    assert (image.visibility, image.ended_at, image.trashed_at) == (Visibility.PUBLIC, None, None)


def test_a_later_change_of_the_same_holds_until_it_is_undone_itself():
    make_image("knee")
    first = done(proposed("hide"))
    shown = done(proposed("show"))
    again = done(proposed("hide"))
    undo = lifecycle.undo(first, TESTS)
    assert undo.plan is not None
    assert (undo.images, undo.plan["left_alone"]["changed_since"]) == (0, 1)
    undone(again)
    undone(shown)
    assert undone(first).outcomes == {"changed": 1}
    assert Image.objects.get().visibility == Visibility.PUBLIC
    assert lifecycle.undo(first, TESTS).images == 0


def test_images_that_are_not_the_authors_stay(settings):
    settings.ANONYMOUS = "read-only"
    mira, other = make_user("mira"), make_user("other", project_id="elsewhere")
    mine, not_mine = make_image("knee", by=mira), make_image("knee", by=other)
    by = Author(mira, "v1")
    change = proposed("trash", by)
    assert change.plan is not None
    assert (change.images, change.plan["forbidden"]) == (1, 1)
    change = done(change, by)
    assert set(Image.objects.current()) == {not_mine}
    undone(change, by)
    assert Image.objects.current().filter(pk=mine.pk).exists()


def test_staff_hide_and_bring_back_in_their_project_what_is_not_their_own():
    staff = make_user("mira", project_id="lab", staff=True)
    own, far = make_image("knee", by=make_user(project_id="lab")), make_image("knee")
    by = Author(staff, ADMIN)
    change = done(proposed("hide", by), by)
    assert change.outcomes == {"changed": 1}
    assert set(Image.objects.filter(visibility=2)) == {own}
    undone(change, by)
    change = done(proposed("trash", by), by)
    assert set(Image.objects.current()) == {far}
    undone(change, by)
    assert set(Image.objects.current()) == {own, far}


def test_a_member_takes_back_what_is_out_of_sight_but_not_what_is_no_longer_theirs(settings):
    settings.ANONYMOUS, settings.PROJECT_EDITS = "read-only", "members"
    mira, ada = make_user("mira", project_id="lab"), make_user("ada", project_id="lab")
    images = [make_image("knee", by=ada), make_image("knee", by=ada)]
    by = Author(mira, "v1")
    change = done(proposed("hide", by), by)
    assert not Image.objects.visible_to(mira).exists()
    Image.objects.filter(pk=images[0].pk).update(project_id=make_user().project_id)
    undo = lifecycle.undo(change, by)
    assert undo.plan is not None
    assert (undo.images, undo.plan["forbidden"]) == (1, 1)
    done(undo, by)
    assert set(Image.objects.filter(visibility=0)) == {images[1]}


def test_whoever_came_without_a_login_takes_back_what_such_callers_did(settings):
    settings.ANONYMOUS = "open"
    anonymous = Author(None, "v1")
    image = make_image("knee", by=make_user())
    change = done(proposed("hide", anonymous), anonymous)
    undone(change, anonymous)
    assert Image.objects.get().visibility == Visibility.PUBLIC
    by_mira = done(proposed("hide", Author(make_user("mira"), "v1")), TESTS)
    undo = lifecycle.undo(by_mira, anonymous)
    assert undo.images == 0
    image.refresh_from_db()
    assert image.visibility == Visibility.PRIVATE


def test_images_that_came_to_match_are_counted_and_left_alone():
    make_image("knee")
    change = proposed("trash")
    late = make_image("knee")
    change = done(change)
    assert change.drift == 1
    assert set(Image.objects.current()) == {late}


def test_it_is_done_at_once_to_a_few():
    images = [make_image(), make_image()]
    ids = [image.pk for image in images]
    change = at_once(doing("trash"), ids, TESTS)
    assert (change.state, change.outcomes) == (State.APPLIED, {"changed": 2})
    undo = undo_at_once(change, TESTS)
    assert (undo.state, undo.outcomes) == (State.APPLIED, {"changed": 2})
    assert Image.objects.current().count() == 2


def test_it_stands_alone():
    with pytest.raises(BadOperation, match="images stands alone"):
        operations.proposed({"images": "hide", "add": ["knee"]}, viewer_of(TESTS))
    with pytest.raises(BadOperation, match="images"):
        operations.proposed({}, viewer_of(TESTS))
