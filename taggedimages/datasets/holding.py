"""Who holds the files of a release, and until when: files of its members stay while it stands.

A release holds what it lists from the instant of its snapshot on. While one is built nobody removes
a file, for nobody but its transaction can see what it lists: whoever builds shares an advisory
lock from before the snapshot until after the commit, and whoever wants to remove files has to get
it alone. It need not be kept while they are removed: what is deleted by then is in no later
snapshot.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models.functions import Now

from images import holds
from search.index.bits import block_of, is_set
from taggedimages.datasets.models import Release, ReleaseState
from taggedimages.postgresql.bulk import array
from taggedimages.postgresql.fragments import statement

# Sets this advisory lock apart from any others in the database.
LOCK_SPACE = 0x4E1D
SHARE = "SELECT pg_advisory_lock_shared(%s, 0)"
LET_GO = "SELECT pg_advisory_unlock_shared(%s, 0)"
TRY_ALONE = "SELECT pg_try_advisory_xact_lock(%s, 0)"
WAIT_ALONE = "SELECT pg_advisory_xact_lock(%s, 0)"
HELD = statement(
    """
SELECT id FROM unnest(%s::bigint[]) AS asked (id)
WHERE EXISTS (
    SELECT FROM datasets_set s JOIN datasets_release r ON r.id = s.release_id
    WHERE s.block = {block} AND {is_member} AND r.state IN ('building', 'released')
)
""",
    block=block_of("asked.id"),
    is_member=is_set("s.bits", "asked.id"),
)


class NotReleased(Exception):
    """What is asked for wants a release that stands, and this one does not; the text says why."""


@contextmanager
def building() -> Iterator[None]:
    """Keep files from being removed meanwhile: for building a release, whose snapshot is taken
    within. Not in a transaction.

    Any number may at once. It goes with the connection, whatever kills it.
    """
    with connection.cursor() as cursor:
        cursor.execute(SHARE, [LOCK_SPACE])
    try:
        yield
    finally:
        with suppress(InterfaceError, OperationalError), connection.cursor() as cursor:
            cursor.execute(LET_GO, [LOCK_SPACE])


def held(image_ids: Collection[int]) -> set[int]:
    """Those of these images that a release holds; within a transaction.

    Raises holds.NotNow while a release is built. None is begun until the transaction ends.
    """
    alone()
    with connection.cursor() as cursor:
        # Another statement, which sees what was committed until the lock was had.
        cursor.execute(HELD.text, [array(image_ids)])
        return {image_id for (image_id,) in cursor.fetchall()}


def alone(*, wait: bool = False) -> None:
    """Have no release built until the transaction ends. Raises holds.NotNow while one is, unless it
    is to be waited for."""
    with connection.cursor() as cursor:
        cursor.execute(WAIT_ALONE if wait else TRY_ALONE, [LOCK_SPACE])
        if not wait and not cursor.fetchone()[0]:
            raise holds.NotNow("A release is being built.")


@transaction.atomic
def retire(release: Release) -> Release:
    """End what a release holds; returns it as it is now. Once that is done, it changes nothing.

    It still tells and proves what it consisted of. Files of deleted images that nobody else holds
    are removed with the next purge. Raises NotReleased.
    """
    now = Release.objects.select_for_update(no_key=True).get(pk=release.pk)
    if now.state == ReleaseState.RETIRED:
        return now
    if now.state != ReleaseState.RELEASED:
        raise NotReleased(f"Release {now.number} is {now.state}: there is nothing to retire.")
    Release.objects.filter(pk=now.pk).update(state=ReleaseState.RETIRED, retired_at=Now())
    now.refresh_from_db()
    return now
