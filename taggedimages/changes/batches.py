"""One batch of a change: some of its images, in one transaction.

Its last statement moves the change on, from just the position that the batch began at, for just the
worker that holds the lease. Where that meets no row, nothing of the batch has happened: whoever is
killed, or stopped for longer than the lease, has neither repeated nor skipped an image.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models.functions import Now

from taggedimages.changes import (
    judging,
    merging,
    outcomes,
    records,
    renaming,
    restoring,
    retagging,
    reverting,
    rights,
    sets,
    undone,
)
from taggedimages.changes.edits import Edits
from taggedimages.changes.models import Change, Kind, Outcome, State
from taggedimages.changes.operations import Operation
from taggedimages.identity.authors import Author
from tags import history, resolving

# How long a worker may be silent before another takes over.
LEASE = timedelta(seconds=60)
# In milliseconds. A stopped process lets go of its images by the first, and waits for whoever holds
# one of them by the second: long before `as_of` may ask for the stamp of what it has written.
IDLE_MS, LOCK_MS = 5_000, 5_000
BOUND = """
SELECT set_config('idle_in_transaction_session_timeout', %s, true),
       set_config('lock_timeout', %s, true)
"""

# Nobody's.
FREE = {"lease_owner": None, "lease_until": None}

EDITS: dict[str, Callable[[Change, list[int], set[int]], dict[int, Edits | Outcome]]] = {
    Kind.RETAG: retagging.edits,
    Kind.MERGE: merging.edits,
    Kind.UNDO: restoring.edits,
}


class LeaseLost(Exception):
    """Another worker has taken the change over, or it was stopped."""


class Incomplete(Exception):
    """The outcomes of a change do not add up to its images, which nothing should bring about."""


class TagGone(Exception):
    """A tag that images were to get has been deleted."""


def apply_next(change: Change, size: int) -> int:
    """Do the next so many images, fewer at the end, and move `change` on; returns how many.

    Raises LeaseLost, TagGone, refusals.AuthorGone, and what the database does.
    """
    by = rights.author_of(change)
    with _bounded(change, by) as move:
        images = sets.ids_after(change.pk, change.position, size)
        if not images:
            return 0
        judging.lock(images)
        _advance(change, _carried_out(change, by, images), move)
    return len(images)


def skip_next(change: Change) -> None:
    """Leave the next image as it is: it failed whenever it was tried. Raises LeaseLost."""
    with _bounded(change, rights.author_of(change)) as move:
        for image in sets.ids_after(change.pk, change.position, 1):
            _advance(change, {image: Outcome.FAILED}, move)


def begin(change: Change) -> None:
    """What has to be before the first batch: tags that are to come and are not there yet, and
    aliases of those that are merged. Once that is done, nothing.

    Raises LeaseLost, names.BadName for what can be no tag, and what merging.begin does.
    """
    merging.begin(change, rights.author_of(change))
    operation = Operation.from_json(change.operation)
    if missing := [tag.name for tag in operation.wanted if tag.id is None]:
        by = rights.author_of(change)
        with _bounded(change, by) as move:
            made = resolving.resolve_each(missing, by.user)
            move(operation=operation.with_tags(made).to_json())


def finish(change: Change) -> None:
    """Say that the change is applied, with whatever comes last.

    Raises LeaseLost, Incomplete, and what the ends of undone merges and renames do.
    """
    by = rights.author_of(change)
    with _bounded(change, by) as move:
        counts = outcomes.by_bitmap(change.pk)
        frozen = counts.pop(Outcome.TARGET, 0)
        if not frozen == sum(counts.values()) == change.done == change.images:
            raise Incomplete(f"{sum(counts.values())} of {frozen} images have an outcome.")
        merging.end(change, by)
        renaming.end(change, by)
        move(state=State.APPLIED, applied_at=Now(), problem="", **FREE)


def fail(change: Change, problem: str) -> None:
    """Leave the change for somebody to resume. Raises LeaseLost."""
    hold(change, state=State.FAILED, problem=problem, **FREE)


def hold(change: Change, **news: Any) -> None:
    """Write something of a change that this worker holds, and hold it for longer.

    Raises LeaseLost.
    """
    _write(change, news)
    _take(change, news)


@contextmanager
def _bounded(change: Change, by: Author) -> Iterator[Callable[..., None]]:
    """A signed transaction that holds no image for ever. What it yields writes something of the
    change, which `change` has once all is committed."""
    written: dict[str, Any] = {}

    def move(**news: Any) -> None:
        _write(change, news)
        written.update(news)

    with history.signed(by, change.uuid, bulk=change.pk):
        with connection.cursor() as cursor:
            cursor.execute(BOUND, [str(IDLE_MS), str(LOCK_MS)])
        yield move
    _take(change, written)


def _write(change: Change, news: dict[str, Any]) -> None:
    held = Change.objects.filter(
        pk=change.pk,
        state=State.APPLYING,
        position=change.position,
        lease_owner=change.lease_owner,
    )
    if not held.update(**{"lease_until": Now() + LEASE, "updated_at": Now(), **news}):
        raise LeaseLost(f"Change {change.pk} is another worker's, or was stopped.")


def _take(change: Change, news: dict[str, Any]) -> None:
    for name, value in news.items():
        setattr(change, name, value)


def _carried_out(change: Change, by: Author, images: list[int]) -> dict[int, Outcome]:
    """Do what is to be done to the images of a batch, and say what has become of each."""
    origin, _ = undone.originally(change)
    if edit := Operation.from_json(origin.operation).images:
        if change is origin:
            return records.carry_out(change, edit, by, images)
        return reverting.carry_out(change, by, images)
    found, edits = _edits(change, by, images)
    user_id = by.user.pk if by.user else None
    removed_by = change.pk if change.kind == Kind.MERGE else change.of_id
    edits.write(change.pk, user_id, removed_by)
    return found


def _edits(change: Change, by: Author, images: list[int]) -> tuple[dict[int, Outcome], Edits]:
    """What becomes of each image, and all that is to be done to them."""
    _check_tags(change)
    judged = judging.judged(change, by, images)
    of_image = EDITS[change.kind](change, judged.fit, judging.refused(by))
    found, edits = dict(judged.unfit), Edits()
    for image, wanted in of_image.items():
        if isinstance(wanted, Edits):
            edits += wanted
            found[image] = Outcome.CHANGED
        else:
            found[image] = wanted
    return found, edits


def _check_tags(change: Change) -> None:
    """Raise TagGone where a tag that is to come has been deleted; the others stay for now.

    Of an undo, pair by pair, it is an outcome.
    """
    operation = Operation.from_json(change.operation)
    coming = (operation.merge.into,) if operation.merge else operation.wanted
    held = judging.held({tag.id for tag in coming if tag.id is not None})
    if gone := [tag.name for tag in coming if tag.id not in held]:
        raise TagGone(f"The tag {gone[0]!r} has been deleted.")


def _advance(change: Change, found: dict[int, Outcome], move: Callable[..., None]) -> None:
    """Write down what became of the images of a batch, and go on behind them."""
    outcomes.record(change.pk, found)
    move(
        position=max(found),
        done=change.done + len(found),
        outcomes=outcomes.counted(found, change.outcomes),
        attempts=0,
        problem="",
    )
