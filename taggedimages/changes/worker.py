"""What the worker does about changes: plan large ones, apply batches, and let old plans expire.

One change of a project is applied at a time, the one that was asked for first; several workers may
be at changes of several projects. A worker holds the change that it is at for a minute (`batches`),
and lets go of it after each round.
"""

import logging
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, InterfaceError, connection
from django.db.models.functions import Now

from search.index import maintenance
from search.models import PendingChange
from taggedimages.changes import batches, lifecycle, planning, recording
from taggedimages.changes.models import Change, State
from taggedimages.changes.refusals import AuthorGone, WrongState
from taggedimages.monitoring import jobs
from taggedimages.transactions import LOCK_NOT_AVAILABLE, PASSING, QUERY_CANCELED, sqlstate
from tags import curation, restriction, rights, vocabulary
from tags.models import Tag
from tags.names import BadName

logger = logging.getLogger(__name__)

# This process.
WORKER = uuid.uuid4()
# Of one round, and until it is looked again whether another worker has merged the index.
APPLY_SECONDS, REST_SECONDS = 1.0, 0.05
# Images of a batch: at first and at most, and what it may take, in seconds. Every search looks at
# the latest ones one by one until they are merged: a thousand doubled what a search of 40,000 took,
# ten thousand made it twenty times as much. Merging has a price of its own besides, that of some
# hundred images.
MOST_SIZE, BATCH_SECONDS = 1_000, 0.35
# What somebody has to see to, who may then have the change go on.
REFUSALS = (
    batches.TagGone,
    batches.Incomplete,
    AuthorGone,
    WrongState,
    BadName,
    curation.TagNameTaken,
    restriction.Restricted,
    rights.OnImagesOfOthers,
    vocabulary.Cycle,
    vocabulary.TooDeep,
    vocabulary.TooMany,
    Tag.DoesNotExist,
)
# Changes that the index does not know yet, beyond which it learns of them before the next batch.
UNINDEXED_MOST = 250
# Classes of errors that lie in the data, and so with some image (SQLSTATE's first two letters).
OF_DATA = {"22", "23", "44", "P0"}
# Those that the next try need not meet; what takes too long does less.
OF_OTHERS = PASSING | {LOCK_NOT_AVAILABLE, QUERY_CANCELED}
# How often a change is tried that does not get on, with doubling rests of so much at most.
TRIES, MOST_REST_SECONDS = 12, 60

# The first of its project, unless another worker is at that one or at a later one; if one is named,
# that one or none. Imports apply themselves, and keep nobody waiting.
CLAIM = """
UPDATE changes_change SET
    lease_owner = %(worker)s, lease_until = clock_timestamp() + %(lease)s,
    attempts = CASE WHEN lease_owner IS NULL THEN 0 ELSE attempts + 1 END
WHERE id = (
    SELECT id FROM changes_change c
    WHERE state = 'applying' AND kind <> 'import' AND id = coalesce(%(only)s::bigint, id)
      AND NOT EXISTS (
        SELECT FROM changes_change o
        WHERE o.project_id = c.project_id AND o.state = 'applying' AND o.kind <> 'import'
          AND (o.lease_until > clock_timestamp() OR (o.queued_at, o.id) < (c.queued_at, c.id))
    )
    ORDER BY queued_at, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
)
RETURNING id
"""


def sweep(stopping: Callable[[], bool] = lambda: False, worker: uuid.UUID = WORKER) -> int:
    """One round of about a second; returns how many images and plans were dealt with.

    Several processes may be at it. What the database raises, as when it goes away, is raised after
    it was written down.
    """
    lifecycle.expire()
    recording.end_broken_imports()
    planned = int(plan_next(stopping))
    return planned + apply_some(stopping, worker)


def plan_next(stopping: Callable[[], bool]) -> bool:
    """Plan the change that has waited longest; False where none does.

    One that has no author to plan it for has failed.
    """
    return not stopping() and planning.plan_next()


def apply_some(stopping: Callable[[], bool], worker: uuid.UUID) -> int:
    """Apply batches of the change that is next, for about a second; returns how many images, 0
    where there is nothing to apply."""
    change = claim(worker)
    if change is None:
        return 0
    if change.attempts >= TRIES:
        batches.fail(change, change.problem or f"It was tried {TRIES} times and did not get on.")
        return 1
    until = time.monotonic() + APPLY_SECONDS
    pace = Pace(change.attempts)
    done = 0
    with jobs.job("apply", change.request_id, change=change.pk), accounted(change):
        batches.begin(change)
        while change.state == State.APPLYING and not stopping():
            if _relieve_index():
                done += pace.step(change)
            else:
                time.sleep(REST_SECONDS)
            if time.monotonic() > until:
                break
        if change.state == State.APPLYING:
            batches.hold(change, **batches.FREE)
    # What comes last has no images of its own.
    return done or 1


def claim(worker: uuid.UUID) -> Change | None:
    """The change to go on with, held for this worker; None where there is none."""
    found = claimed(worker)
    return Change.objects.select_related("author").get(pk=found) if found else None


def claimed(worker: uuid.UUID, only: int | None = None) -> int | None:
    """The id of the change to go on with, held for this worker; None where there is none, or where
    it is not `only` that one."""
    asked: dict[str, Any] = {"worker": worker, "lease": batches.LEASE, "only": only}
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, asked)
        row = cursor.fetchone()
    return row[0] if row else None


@contextmanager
def accounted(change: Change) -> Iterator[None]:
    """What keeps a change from going on is written into it.

    What the database raises is raised after that: it may be tried again.
    """
    try:
        yield
    except batches.LeaseLost as lost:
        logger.info("%s", lost)
    except REFUSALS as error:
        with suppress(batches.LeaseLost):
            batches.fail(change, str(error))
    except (DatabaseError, InterfaceError) as error:
        with suppress(DatabaseError, InterfaceError):
            _write_down(change, error)
        raise


def _write_down(change: Change, error: Exception) -> None:
    """Have the change rest for a while; it is tried again, by whomever."""
    if not connection.is_usable():
        connection.close()
    rest = timedelta(seconds=min(2**change.attempts, MOST_REST_SECONDS))
    held = Change.objects.filter(pk=change.pk, lease_owner=change.lease_owner)
    held.update(lease_until=Now() + rest, problem=f"The database failed: {error}".strip())


def _relieve_index() -> bool:
    """Merge what the index does not know yet where that is much; False while another is at it."""
    while PendingChange.objects.all()[: UNINDEXED_MOST + 1].count() > UNINDEXED_MOST:
        if not maintenance.run_once():
            return False
    return True


class Pace:
    """How many images a batch has: as many as take not too long and have no bad one among them."""

    def __init__(self, attempts: int) -> None:
        self.size = max(1, MOST_SIZE >> attempts)

    def step(self, change: Change) -> int:
        """Do a batch, or what comes last; returns how many images were dealt with.

        A batch that fails is tried again with half as many, down to the image that is at fault.
        """
        began = time.monotonic()
        try:
            done = batches.apply_next(change, self.size)
            if not done:
                batches.finish(change)
        except DatabaseError as error:
            code = sqlstate(error)
            if code in OF_OTHERS and self.size > 1:
                self.size //= 2
                return 0
            if code in OF_OTHERS or code[:2] not in OF_DATA:
                raise
            if self.size == 1:
                logger.warning("Change %s leaves an image as it is: %s", change.pk, error)
                batches.skip_next(change)
                return 1
            self.size //= 2
            return 0
        took = time.monotonic() - began
        wanted = int(self.size * BATCH_SECONDS / max(took, 0.001))
        self.size = max(1, min(wanted, self.size * 2, MOST_SIZE))
        return done
