"""The worker builds releases: each in one transaction, of one state of the database.

Whoever is at a release holds a lock that ends with its connection, whatever kills it; then another
begins it anew, and nothing of before is there.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

from django.db import DatabaseError, InterfaceError, connection
from django.db.models import F
from django.utils import timezone

from search.query.conditions import Unknown
from taggedimages.datasets import holding, rights, signing
from taggedimages.datasets.chunks import Writer, Written
from taggedimages.datasets.collecting import Collector
from taggedimages.datasets.contracts.rules import BadContract
from taggedimages.datasets.lines import release_digest
from taggedimages.datasets.models import Release, ReleaseState
from taggedimages.datasets.refusals import AuthorGone, Refused
from taggedimages.datasets.snapshots import one_state
from taggedimages.datasets.splits.asking import BadSplits
from taggedimages.datasets.statements import statement
from taggedimages.monitoring import jobs

logger = logging.getLogger(__name__)

# Of one release, before it has failed.
TRIES = 12
# Characters of what went wrong.
PROBLEM_MOST = 500
# Sets these advisory locks apart from any others in the database.
LOCK_SPACE = 0x1392
HOLD = "SELECT pg_try_advisory_lock(%s, (%s %% 2147483648)::int)"
LET_GO = "SELECT pg_advisory_unlock(%s, (%s %% 2147483648)::int)"


class Stopped(Exception):
    """The worker is to end; somebody else goes on."""


def never() -> bool:
    """As `stopping`: nobody wants the worker to end."""
    return False


def sweep(stopping: Callable[[], bool] = never) -> int:
    """Build the release that was tried least and has waited longest, unless others are at it; how
    many were dealt with. Raises what the database does, after it was written down."""
    waiting = Release.objects.filter(state=ReleaseState.BUILDING).order_by("attempts", "id")
    for release_id in waiting.values_list("pk", flat=True):
        if stopping():
            break
        with _held(release_id) as is_ours:
            if is_ours and _is_waiting(release_id):
                _attempt(release_id, stopping)
                return 1
    return 0


def _attempt(release_id: int, stopping: Callable[[], bool]) -> None:
    release = Release.objects.filter(pk=release_id)
    # Before the attempt, which may be the end of this process.
    release.update(attempts=F("attempts") + 1)
    if release.filter(attempts__gt=TRIES).exists():
        given_up = f"It was tried {TRIES} times and did not get on. {release.get().problem}"
        _fail(release_id, given_up.strip())
        return
    try:
        asked_by = release.values_list("request_id", flat=True).get()
        with jobs.job("build", asked_by, release=release_id):
            build(release_id, stopping)
    except Refused as refused:
        _fail(release_id, str(refused), {"code": 422, "message": str(refused), **refused.details})
    except (AuthorGone, BadContract, BadSplits, Unknown) as error:
        _fail(release_id, str(error))
    except Stopped:
        release.update(attempts=F("attempts") - 1)
    except Exception as error:
        is_of_database = isinstance(error, DatabaseError | InterfaceError)
        what = "The database failed" if is_of_database else "It broke off"
        with suppress(DatabaseError, InterfaceError):
            _write_down(release_id, f"{what}: {error}")
        raise


def build(release_id: int, stopping: Callable[[], bool] = never) -> None:
    """Make a release of what is asked for, as it is in one state of the database.

    Raises Refused, AuthorGone, Stopped, and what the database does: the release then waits as it
    did.
    """
    signing.ensure_key()
    # Held from before the state that is released until it is: whatever is deleted in between.
    with holding.building(), one_state() as now:
        release = Release.objects.select_related("dataset", "author").get(pk=release_id)
        collector = Collector(release, rights.author_of(release))
        writer = Writer(release_id)
        for members in collector.lots():
            if stopping():
                raise Stopped
            if not collector.refuses:
                writer.add(members)
        report = collector.finish()
        released(release, writer.finish(collector.members), report, now)
        collector.remember()


def released(release: Release, written: Written, report: dict[str, Any], now: datetime) -> None:
    """Write what the release says of itself, with the state that this brings about."""
    said = statement(release, written, report, now)
    Release.objects.filter(pk=release.pk).update(
        state=ReleaseState.RELEASED,
        instant=release.as_of or now,
        digest=release_digest(written.digests),
        members=written.members,
        bytes=written.bytes,
        report=report,
        statement=said.decode(),
        signature=signing.signed(said),
        problem="",
        released_at=timezone.now(),
    )


def _fail(release_id: int, problem: str, refusal: dict[str, Any] | None = None) -> None:
    Release.objects.filter(pk=release_id, state=ReleaseState.BUILDING).update(
        state=ReleaseState.FAILED, problem=problem, refusal=refusal
    )


def _write_down(release_id: int, problem: str) -> None:
    """Say why a release is still waiting."""
    if not connection.is_usable():
        connection.close()
    Release.objects.filter(pk=release_id).update(problem=problem.strip()[:PROBLEM_MOST])


def _is_waiting(release_id: int) -> bool:
    return Release.objects.filter(pk=release_id, state=ReleaseState.BUILDING).exists()


@contextmanager
def _held(release_id: int) -> Iterator[bool]:
    """Whether this connection alone is at a release, for a while."""
    is_ours = _locked(HOLD, release_id)
    try:
        yield is_ours
    finally:
        if is_ours:
            # Where the connection is gone, so is the lock.
            with suppress(DatabaseError, InterfaceError):
                _locked(LET_GO, release_id)


def _locked(statement: str, release_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, [LOCK_SPACE, release_id])
        return bool(cursor.fetchone()[0])
