"""What a change would do, counted exactly in one state of the database, and its images frozen.

Small changes are planned as they are proposed, the others by the worker: one transaction that locks
the change, sees one state, and writes the plan with the state that it names. Whoever is killed
leaves nothing of it, and the change is still to be planned.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from search.executor import whole
from search.executor.blocks import Blocks, union
from search.query import Query
from search.results import SearchResults
from taggedimages.changes import (
    effects,
    plans,
    questions,
    records,
    reverting,
    rights,
    samples,
    sets,
    undoing,
    undone,
)
from taggedimages.changes.holdings import FEW
from taggedimages.changes.models import Change, Kind, State
from taggedimages.changes.operations import Operation
from taggedimages.changes.plans import Planned
from taggedimages.changes.refusals import AuthorGone
from taggedimages.identity.authors import Author
from taggedimages.monitoring import jobs

# How long a plan may be applied.
KEPT = timedelta(days=7)
# How often a plan is worked out where others write in between and it has to be of one state.
TRIES = 5


class Found(NamedTuple):
    """The images that a change is for, and how many more its author is shown but may not change
    so."""

    images: Blocks
    forbidden: int


class Unsettled(Exception):
    """Others kept writing, so that no plan was of one state."""


def plan(change_id: int) -> bool:
    """Plan a change that waits for it; whether it was, which another process may do meanwhile.

    Raises what the database does, and Unsettled: the change then still waits.
    """
    with _one_state() as is_one_state:
        waiting = Change.objects.filter(pk=change_id, state=State.PLANNING)
        # The user is looked up apart: no row of theirs is to be locked.
        change = waiting.select_for_update(skip_locked=True).first()
        if change is None:
            return False
        _plan(change, is_one_state=is_one_state)
    return True


@contextmanager
def planned_at_once() -> Iterator[Callable[[Change], None]]:
    """A transaction in which a change is made and planned, so that nobody meets it unplanned: by
    calling what is yielded. Raises Unsettled, in none but tests, and what the database does."""
    with _one_state() as is_one_state:
        yield partial(_plan, is_one_state=is_one_state)


def plan_next() -> bool:
    """Plan the oldest change that waits for it; False where none does.

    One that cannot be planned has failed, at once or after TRIES. Raises what the database does.
    """
    waiting = Change.objects.filter(state=State.PLANNING).order_by("attempts", "id")
    return any(_tried(*row) for row in waiting.values_list("pk", "request_id")[:10])


def _tried(change_id: int, request_id: str | None) -> bool:
    waiting = Change.objects.filter(pk=change_id, state=State.PLANNING)
    # Before the attempt, which may be the end of this process.
    waiting.update(attempts=F("attempts") + 1)
    if waiting.filter(attempts__gt=TRIES).update(state=State.FAILED, updated_at=Now()):
        return True
    try:
        with jobs.job("plan", request_id, change=change_id):
            return plan(change_id)
    except AuthorGone as error:
        return bool(waiting.update(state=State.FAILED, problem=str(error), updated_at=Now()))
    except (DatabaseError, Unsettled) as error:
        waiting.update(problem=str(error)[:500])
        raise


def _plan(change: Change, *, is_one_state: bool) -> None:
    planned = _planned(change)
    for _ in range(TRIES):
        if is_one_state or planned == (again := _planned(change)):
            break
        planned = again
    else:
        raise Unsettled("Others kept writing while this was planned.")
    _keep(change, planned)


def found(change: Change, by: Author) -> Found:
    """The images that a change is for now: found for its author, who may do that to them."""
    operation = Operation.from_json(change.operation)
    shown = _asked(change, operation, by) - Blocks.of(change.excluded)
    allowed = shown
    if not rights.edits_all_shown(by):
        allowed = shown & editable_of(shown, by)
    refused = Blocks() if operation.images else effects.refused(operation, allowed, by)
    images = allowed - refused
    return Found(images, len(shown) - len(images))


def editable_of(images: Blocks, by: Author) -> Blocks:
    """Those of some images, or more, that an author may change."""
    editable = rights.editable(by)
    if len(images) <= FEW:
        editable = editable.filter(pk__in=list(images))
    return whole.of_queryset(editable)


def _asked(change: Change, operation: Operation, by: Author) -> Blocks:
    """All that the author is shown of what is asked for; of a merge, of what has its tags."""
    viewer = rights.viewer_of(by)
    query = questions.of(change)
    shown = SearchResults(query or Query(), viewer).all_images()
    if query is None and operation.merge:
        return shown & union(whole.of_tag(tag.id) for tag in operation.merge.sources if tag.id)
    return shown


def _planned(change: Change) -> Planned:
    """The plan of a change, whose images are frozen by then."""
    if change.kind == Kind.UNDO:
        origin, _ = undone.originally(change)
        return reverting.planned(change) if origin.kind == Kind.RECORDS else undoing.planned(change)
    by = rights.author_of(change)
    operation = Operation.from_json(change.operation)
    images, forbidden = found(change, by)
    # Statements about very many links look here which images these are.
    sets.freeze(change.pk, images)
    if operation.images:
        return Planned(images, records.numbers(operation.images, images, forbidden))
    done = effects.of(operation, change.pk, images)
    numbers = plans.numbers(images, forbidden, done)
    return Planned(images, numbers | {"sample": samples.sample(operation, done.touched)})


def _keep(change: Change, planned: Planned) -> None:
    """Write the plan and the state that it brings about; what needs no look is applied at once."""
    digest = plans.digest(change.kind, change.operation, planned.images)
    taken_out = {"excluded": len(change.excluded)} if change.excluded else {}
    news: dict[str, Any] = {
        "plan": {"digest": digest} | planned.numbers | taken_out,
        "digest": digest,
        "images": len(planned.images),
        "state": State.PLANNED if change.queued_at is None else State.APPLYING,
        "problem": "",
        "attempts": 0,
        "planned_at": Now(),
        "expires_at": Now() + KEPT,
        "updated_at": Now(),
    }
    Change.objects.filter(pk=change.pk).update(**news)
    for name, value in news.items():
        setattr(change, name, value)


@contextmanager
def _one_state() -> Iterator[bool]:
    """A transaction whose statements all see the same state of the database, and whether they do:
    within another transaction each sees that of its own."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield outermost
