"""Changes of a few images that whoever asks for them waits for: proposed, applied and undone in the
calling request.

Each is a change like any other, which is written down with its plan before it does anything: if
the process is killed amid it, a worker finishes it after the lease. It waits for no change
before it that has none of its images yet to do. Else, or where the database has no time for it
just now, it is left `applying`, and the worker carries it out.
"""

import time
import uuid
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace

from django.db import DatabaseError
from django.db.models.functions import Now
from django.utils import timezone

from search.executor.blocks import Blocks
from search.models import BLOCK
from search.query import Query
from taggedimages.changes import batches, lifecycle, planning, rights, sets, worker
from taggedimages.changes.models import Change, ImageSet, Kind, Outcome, State
from taggedimages.changes.operations import Operation
from taggedimages.changes.refusals import BadOperation
from taggedimages.identity.authors import Author

EVERYTHING = Query()
# What one sees at a glance, and waits for without noticing: a page of pictures.
MOST_IMAGES = 60
# How long others of the same project are waited for whose changes are as small, and how often it
# is looked whether they are through.
PATIENCE_SECONDS, PAUSE_SECONDS = 0.4, 0.02


def at_once(
    operation: Operation,
    ids: Collection[int],
    by: Author,
    *,
    note: str = "",
    within: Query = EVERYTHING,
) -> Change:
    """Change these images now, those that a query finds when they are locked for it. What has
    become of it, and of each image, is in the change.

    Raises BadOperation for a merge and for more than MOST_IMAGES, NeedsSomebodyElse,
    TooManyPlanned, restriction.Deprecated.
    """
    wanted = tuple(sorted(set(ids)))
    if operation.merge:
        raise BadOperation("Tags are merged by a change of all their images.")
    _check_few(len(wanted))
    rights.check_size(len(wanted), by)
    rights.check_coming(operation.wanted, by)
    query, asked, now = replace(within, ids=wanted), {"ids": list(wanted)}, timezone.now()
    return _carried_out(
        lambda: lifecycle.made(operation, query, by, note=note, asked=asked, queued_at=now)
    )


def undo_at_once(change: Change, by: Author, *, note: str = "") -> Change:
    """Take back now what a change of a few images has done, as far as nobody has touched it since.

    Raises BadOperation where it is of more than MOST_IMAGES, NeedsSomebodyElse, WrongState,
    TooManyPlanned.
    """
    _check_few(change.images)
    rights.check_size(change.images, by)
    return _carried_out(
        lambda: lifecycle.made_undo(change, by, note=note, queued_at=timezone.now())
    )


def _check_few(images: int) -> None:
    if images > MOST_IMAGES:
        raise BadOperation(f"At most {MOST_IMAGES} images are changed at once, not {images}.")


def _carried_out(make: Callable[[], Change]) -> Change:
    """The change that is made, after what could be done about it at once."""
    # Of this request alone: other threads of the process have changes of their own.
    owner = uuid.uuid4()
    with planning.planned_at_once() as plan:
        change = make()
        plan(change)
        # Before any worker can see it.
        is_held = _is_apart(change) and _held(change, owner)
    if is_held or _came_first(change, owner):
        change.lease_owner = owner
        # What the database refused is written down, and tried again by the worker.
        with suppress(DatabaseError), worker.accounted(change):
            batches.begin(change)
            batches.apply_next(change, MOST_IMAGES)
            batches.finish(change)
    change.refresh_from_db()
    return change


def _is_apart(change: Change) -> bool:
    """Whether no change that comes before it in its project has any of its images yet to be done:
    who waits for whom would make no difference. One statement, or two."""
    line = Change.objects.filter(project=change.project, state=State.APPLYING, pk__lt=change.pk)
    before = dict(line.exclude(kind=Kind.IMPORT).values_list("pk", "position"))
    if not before:
        return True
    ids = sets.ids_after(change.pk, 0, MOST_IMAGES)
    frozen = ImageSet.objects.filter(
        change__in=before, outcome=Outcome.TARGET, block__in={image // BLOCK for image in ids}
    )
    for other, block, bits in frozen.values_list("change", "block", "bits"):
        to_do = set(Blocks.read([(block, bits)]).after(before[other]))
        if not to_do.isdisjoint(ids):
            return False
    return True


def _held(change: Change, owner: uuid.UUID) -> bool:
    """Take a change that nobody else sees yet."""
    lease = {"lease_owner": owner, "lease_until": Now() + batches.LEASE}
    return bool(Change.objects.filter(pk=change.pk).update(**lease))


def _came_first(change: Change, owner: uuid.UUID) -> bool:
    """Whether the change is held, after a short wait for others as small as it is: those of several
    who work at the same time. False also where a worker has done it."""
    line = Change.objects.filter(project=change.project, state=State.APPLYING)
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        waiting = dict(line.exclude(kind=Kind.IMPORT).values_list("pk", "images")[:MOST_IMAGES])
        if change.pk not in waiting or max(waiting.values()) > MOST_IMAGES:
            return False
        time.sleep(PAUSE_SECONDS)
        if worker.claimed(owner, only=change.pk):
            return True
    return False
