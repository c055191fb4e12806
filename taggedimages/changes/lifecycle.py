"""What is asked of a change as a whole: to be proposed, applied, stopped, discarded or undone.

Each looks at the change under its lock, so that of two at once one finds what the other has made of
it. All raise refusals.WrongState where the change is in another state than that needs.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import DatabaseError
from django.db.models.functions import Now
from django.utils import timezone

from images.models import Image
from images.visibility import Viewer
from search.executor.blocks import Blocks
from search.query import Query
from search.query.conditions import settled
from search.results import SearchResults
from taggedimages.changes import merging, operations, planning, questions, rights, sets
from taggedimages.changes.holdings import FEW
from taggedimages.changes.models import Change, Kind, OnDrift, State
from taggedimages.changes.operations import Operation
from taggedimages.changes.refusals import (
    Drifted,
    OtherDigest,
    TooManyExcluded,
    TooManyPlanned,
    WrongState,
)
from taggedimages.identity.authors import Author
from taggedimages.identity.models import Project
from taggedimages.monitoring import request_ids
from taggedimages.transactions import QUERY_CANCELED, retried, sqlstate
from tags.models import Tag

# Of one author, planned or to be.
PLANNED_MAX = 1_000
# Images that are taken out of a plan one by one; for more, the query is to be another.
EXCLUDED_MAX = 10_000
# What has written something, and does not any more.
ENDED = [State.APPLIED, State.STOPPED, State.FAILED]


def propose(
    operation: Operation,
    query: Query | None,
    by: Author,
    *,
    note: str = "",
    asked: Any = None,
) -> Change:
    """A change that is planned at once where few images are found, and else by the worker.

    `asked` is the query as it was sent; without a query, a merge is of all images with its tags.
    Raises TooManyPlanned, restriction.Deprecated; of a merge OnImagesOfOthers and Restricted, as
    renaming its tags does.
    """
    if operation.merge:
        rights.check_may_merge(operation.merge, by)
    else:
        rights.check_coming(operation.wanted, by)
    # First: a question that takes too long is refused, and leaves no change.
    images = _found_for(operation, query, by)
    change = made(operation, query, by, note=note, asked=asked)
    return planned_if_few(change, images)


@retried
def made(
    operation: Operation,
    query: Query | None,
    by: Author,
    *,
    note: str = "",
    asked: Any = None,
    queued_at: datetime | None = None,
) -> Change:
    """A change that waits to be planned, and with `queued_at` is applied as soon as it is.

    Raises TooManyPlanned.
    """
    return _made(
        operation.kind,
        by,
        note=note,
        query=asked,
        operation=operation.to_json(),
        queued_at=queued_at,
        **_question(query, by),
    )


@retried
def _merging(operation: Operation, by: Author, note: str) -> Change:
    change = made(operation, None, by, note=note, queued_at=timezone.now())
    merging.begin(change, by)
    return change


def merge(sources: Iterable[Tag], into: Tag, by: Author, *, note: str = "") -> Change:
    """Make tags aliases of another at once, with a change that moves their links as soon as it is
    planned.

    Raises BadOperation, OnImagesOfOthers, Restricted, NeedsSomebodyElse, TooManyPlanned, and what
    `merging.begin` does.
    """
    operation = operations.merging(sources, into)
    assert operation.merge
    rights.check_may_merge(operation.merge, by)
    images = _found_for(operation, None, by)
    rights.check_size(images, by)
    change = _merging(operation, by, note)
    return planned_if_few(change, images)


def undo(change: Change, by: Author, *, note: str = "") -> Change:
    """A change that takes back what another has done, as far as nobody has touched it since.

    Raises WrongState, TooManyPlanned.
    """
    return planned_if_few(made_undo(change, by, note=note), change.images)


def made_undo(
    change: Change, by: Author, *, note: str = "", queued_at: datetime | None = None
) -> Change:
    """An undo that waits to be planned, and with `queued_at` is applied as soon as it is.

    Raises WrongState, TooManyPlanned.
    """
    if change.state not in ENDED:
        raise WrongState(f"A change that is {change.state} is not undone.")
    if Change.objects.filter(of=change, state=State.APPLYING).exists():
        raise WrongState("It is being undone.")
    project = change.project
    return _made(
        Kind.UNDO, by, note=note, of=change, project=project, operation={}, queued_at=queued_at
    )


def planned_if_few(change: Change, images: int) -> Change:
    """The change as it is once it is planned, where it is of few images; else as it is."""
    if images <= FEW:
        try:
            planning.plan(change.pk)
        except planning.Unsettled:
            pass
        except DatabaseError as error:
            # The worker has more time than a request.
            if sqlstate(error) != QUERY_CANCELED:
                raise
    change.refresh_from_db()
    return change


@retried
def apply(change_id: int, digest: str, by: Author, on_drift: str = OnDrift.SKIP) -> Change:
    """Have the worker apply a plan, as it was looked at.

    Tags that are merged are aliases at once. Raises OtherDigest, NeedsSomebodyElse, Drifted where
    other images match by now and that is to be refused; of a merge what `propose` and merging.begin
    do.
    """
    change = _held(change_id)
    _check(change, [State.PLANNED], "applied")
    if digest != change.digest:
        raise OtherDigest("The plan has another digest; read it again.")
    rights.check_may_apply(change, by)
    operation = Operation.from_json(change.operation)
    if operation.merge:
        # Others may have put the tags on their images since.
        rights.check_may_merge(operation.merge, rights.author_of(change))
    change.drift = drift(change)
    if change.drift and on_drift == OnDrift.REFUSE:
        raise Drifted(f"{change.drift} other images match by now; plan it again.")
    change.on_drift = on_drift
    merging.begin(change, by)
    return _queued(change)


@retried
def stop(change_id: int) -> Change:
    """Have nobody go on with it; the images that are done stay so."""
    change = _held(change_id)
    _check(change, [State.APPLYING], "stopped")
    return _saved(change, state=State.STOPPED, lease_owner=None, lease_until=None)


@retried
def resume(change_id: int) -> Change:
    """Go on with what was stopped, or failed; a plan that failed is made anew."""
    change = _held(change_id)
    _check(change, [State.STOPPED, State.FAILED], "resumed")
    if change.kind == Kind.IMPORT:
        raise WrongState("An import goes on when it is run again.")
    change.problem, change.attempts = "", 0
    if change.plan is None:
        return _saved(change, state=State.PLANNING, request_id=request_ids.current())
    return _queued(change)


@retried
def discard(change_id: int) -> Change:
    """End a plan that nobody is to apply."""
    change = _held(change_id)
    _check(change, [State.PLANNED], "discarded")
    sets.forget(change.pk)
    return _saved(change, state=State.DISCARDED)


def exclude(change_id: int, ids: Iterable[int], by: Author) -> Change:
    """Take images out of a plan, which is planned again without them: it has another digest.

    Those that are not in it, or that `by` is not shown, are passed over. What was taken out stays
    so whenever it is planned. Raises WrongState, TooManyExcluded, and what planning does.
    """
    return _planned_again(change_id, out=_open_to(by, ids))


def include(change_id: int, ids: Iterable[int], by: Author) -> Change:
    """Put images back that were taken out of a plan, which is planned again with those of them
    that it finds. Raises WrongState, and what planning does."""
    return _planned_again(change_id, back=_open_to(by, ids))


def _open_to(by: Author, ids: Iterable[int]) -> Blocks:
    """Those of some images that are for somebody to see; what ended may be what is undone."""
    seen = Image.objects.filter(rights.viewer_of(by).image_q(), pk__in=set(ids))
    return Blocks.of(seen.values_list("pk", flat=True))


def expire() -> int:
    """End all plans that nobody has applied in time; how many that was."""
    due = Change.objects.filter(state=State.PLANNED, expires_at__lte=Now())
    return sum(_expired(pk) for pk in due.values_list("pk", flat=True)[:1_000])


def drift(change: Change) -> int:
    """How many images came to match since a change was planned, which it leaves alone."""
    if change.kind not in (Kind.RETAG, Kind.MERGE, Kind.RECORDS):
        return 0
    now = planning.found(change, rights.author_of(change)).images
    return len(now - sets.of(change.pk))


def _found_for(operation: Operation, query: Query | None, by: Author) -> int:
    """How many images an author finds, by which it is decided who plans."""
    if query is None and operation.merge:
        return sum(_links(tag.id or 0) for tag in operation.merge.sources)
    return SearchResults(query or Query(), rights.viewer_of(by)).count()


def _links(tag: int) -> int:
    """How many current images have a tag, whoever is shown them."""
    return SearchResults(Query(tag_id=tag), Viewer(audiences=None)).count()


@retried
def _made(kind: Kind, by: Author, **fields: Any) -> Change:
    waiting = Change.objects.filter(
        author=by.user, author_name=by.name, state__in=[State.PLANNING, State.PLANNED]
    )
    if waiting.count() >= PLANNED_MAX:
        raise TooManyPlanned(f"At most {PLANNED_MAX} changes may wait; discard some.")
    project = fields.pop("project", None) or Project.objects.get_or_create(pk=by.project_id)[0]
    return Change.objects.create(
        kind=kind,
        state=State.PLANNING,
        author=by.user,
        author_name=by.name,
        is_operator=by.is_operator,
        through=by.through,
        project=project,
        **fields,
    )


def _planned_again(
    change_id: int, *, out: Blocks | None = None, back: Blocks | None = None
) -> Change:
    change = _without(change_id, out or Blocks(), back or Blocks())
    return planned_if_few(change, change.images)


@retried
def _without(change_id: int, out: Blocks, back: Blocks) -> Change:
    """The change as it is to be planned again, or as it was where that makes no difference."""
    change = _held(change_id)
    _check(change, [State.PLANNED], "planned again")
    before = Blocks.of(change.excluded)
    excluded = (before | (out & sets.of(change.pk))) - back
    if excluded == before:
        return change
    if len(excluded) > EXCLUDED_MAX:
        raise TooManyExcluded(f"At most {EXCLUDED_MAX:,} images are taken out of a plan.")
    return _saved(change, excluded=list(excluded), state=State.PLANNING, plan=None, digest="")


def _question(query: Query | None, by: Author) -> dict[str, Any]:
    if query is None:
        return {}
    # As its author means it, whoever looks at the change.
    query = settled(query, rights.viewer_of(by))
    return {"question": questions.written(query), "query_tags": questions.tags_of(query)}


def _held(change_id: int) -> Change:
    """The change under its lock, until the transaction ends. Raises Change.DoesNotExist."""
    return Change.objects.select_for_update().get(pk=change_id)


def _check(change: Change, states: list[State], done: str) -> None:
    """Raise WrongState where a change is in none of some states; a plan may have expired unseen."""
    is_due = change.expires_at is not None and change.expires_at <= timezone.now()
    state = State.EXPIRED if change.state == State.PLANNED and is_due else change.state
    if state not in states:
        raise WrongState(f"A change that is {state} is not {done}.")


def _queued(change: Change) -> Change:
    return _saved(
        change,
        state=State.APPLYING,
        queued_at=Now(),
        lease_owner=None,
        lease_until=None,
        request_id=request_ids.current(),
    )


def _saved(change: Change, **news: Any) -> Change:
    for name, value in news.items():
        setattr(change, name, value)
    change.updated_at = Now()
    change.save()
    change.refresh_from_db()
    return change


@retried
def _expired(change_id: int) -> bool:
    held = Change.objects.select_for_update(skip_locked=True)
    change = held.filter(pk=change_id, state=State.PLANNED, expires_at__lte=Now()).first()
    if change is None:
        return False
    sets.forget(change.pk)
    _saved(change, state=State.EXPIRED)
    return True
