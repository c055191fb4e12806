"""Whatever images are like and whoever interferes: an undo of a change of records gives each image
back what it had, and leaves alone what anybody else has touched.

CHANGE_EXAMPLES says how many are tried.
"""

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from images import deletion
from images.models import Image
from images.visibility import Visibility
from search.index.verification import verify
from taggedimages.changes import batches, lifecycle, worker
from taggedimages.changes.models import Change, Kind, Outcome, State
from taggedimages.changes.record_edits import Action
from taggedimages.changes.tests.corpora import (
    assert_adds_up,
    make_change,
    of_outcome,
    record_states,
)
from taggedimages.factories import TESTS, make_image

EXAMPLES = int(os.environ.get("CHANGE_EXAMPLES", "8"))
PHASES = [Phase.explicit, Phase.reuse, Phase.generate]
IMAGES = 5
image_states = st.tuples(st.sampled_from(Visibility), st.sampled_from(["", "later", "ended"]))
# By what somebody else does to an image, and whether that is about its end or about who sees it.
EDITS: list[tuple[str, Callable[[Any], Any]]] = [
    ("shown", lambda images: images.update(visibility=Visibility.PROJECT)),
    ("shown", lambda images: images.update(visibility=Visibility.PUBLIC)),
    (
        "ends",
        lambda images: images.filter(deleted_at=None).update(ended_at=None, trashed_at=None),
    ),
    ("ends", lambda images: images.filter(trashed_at=None).update(ended_at=timezone.now())),
    ("ends", lambda images: [deletion.trash(image) for image in images]),
    ("gone", lambda images: deletion.delete_all(images)),
    ("gone", lambda images: images.delete()),
    ("other", lambda images: images.update(title="other")),
]
edit = st.tuples(st.integers(0, IMAGES - 1), st.sampled_from(range(len(EDITS))))
edits = st.lists(edit, max_size=4)


def made(visibility: Visibility, ends: str) -> Image:
    ended_at = {"": None, "later": timedelta(days=1), "ended": -timedelta(seconds=1)}[ends]
    return make_image(
        "knee",
        visibility=visibility,
        ended_at=ended_at and timezone.now() + ended_at,
    )


def edited(images: list[Image], steps: list[tuple[int, int]]) -> set[tuple[int, str]]:
    """Which images were touched, by their ids, and in what."""
    touched = set()
    for where, which in steps:
        about, do = EDITS[which]
        of_it = Image.objects.filter(pk=images[where].pk)
        before = record_states()
        do(of_it)
        if record_states() != before:
            touched.add((images[where].pk, about))
    return touched


def applied_amid(
    change: Change, images: list[Image], interfering: list[tuple[int, int]]
) -> set[tuple[int, str]]:
    """What somebody touched while the change was applied, image by image."""
    touched = set()
    while change.state == State.APPLYING:
        claimed = worker.claim(worker.WORKER)
        assert claimed is not None
        if batches.apply_next(claimed, 1):
            batches.hold(claimed, **batches.FREE)
        else:
            batches.finish(claimed)
        touched |= edited(images, interfering[:1])
        interfering = interfering[1:]
        change.refresh_from_db()
    return touched


@pytest.mark.django_db(transaction=True)
@settings(max_examples=EXAMPLES, deadline=None, phases=PHASES)
@given(
    st.lists(image_states, min_size=IMAGES, max_size=IMAGES),
    st.sampled_from(Action),
    edits,
    edits,
    edits,
)
def test_an_undo_gives_back_what_nobody_touched(before, action, amid, between, amid_undo):
    images = [made(*state) for state in before]
    at_first = record_states()
    operation = {"images": action.value}
    if action in (Action.HIDE, Action.SHOW):
        operation["visibility"] = "private" if action == Action.HIDE else "public"
    change = make_change(operation, images, kind=Kind.RECORDS)
    about = "shown" if "visibility" in operation else "ends"

    touched = applied_amid(change, images, amid)
    assert change.state == State.APPLIED
    assert_adds_up(change)
    changed = set(of_outcome(change, Outcome.CHANGED))
    after = record_states()
    touched |= edited(images, between)
    undo = lifecycle.undo(change, TESTS)
    assert undo.plan is not None
    if not touched:
        assert undo.images == len(changed)
        assert not any(undo.plan["left_alone"].values())
    undo = lifecycle.apply(undo.pk, undo.digest, TESTS)
    touched |= applied_amid(undo, images, amid_undo)
    assert_adds_up(undo)

    now = record_states()
    for pk in changed:
        of_it = {what for one, what in touched if one == pk}
        if "gone" in of_it or of_it & {about}:
            continue
        place = 0 if about == "shown" else slice(1, 3)
        assert now[pk][place] == at_first[pk][place]
    for pk in now.keys() - changed:
        if not any(one == pk for one, _ in touched):
            assert now[pk] == at_first[pk] == after[pk]
    assert verify().right
