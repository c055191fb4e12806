"""Imports as changes: what they link is told from everything else, and can be taken back.

An import is `applying` while its command runs, which holds a lock that ends with its connection,
whatever kills it; then it is `applied`, `stopped` or `failed`, also where nobody was left to say
so. One that goes on after it broke off is a change of its own. Undoing one takes links away, no
images.

Renames are recorded by the database itself (docs/triggers.md).
"""

import uuid
from collections.abc import Collection

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import JSONObject, Now
from django.utils import timezone

from taggedimages.changes import sets
from taggedimages.changes.models import Change, Kind, Outcome, State
from taggedimages.identity.authors import Author
from taggedimages.identity.models import Project

# Sets these advisory locks apart from any others in the database.
LOCK_SPACE = 0x1390
HOLD = "SELECT pg_advisory_lock(%s, %s::int)"
LET_GO = "SELECT pg_advisory_unlock(%s, %s::int)"
BROKE_OFF = "The import broke off. Run it again: it goes on, as another change."
# Whose lock can be had, nobody is at. The rows are found before any lock is asked for.
END_BROKEN = """
WITH running AS MATERIALIZED (
    SELECT id FROM changes_change WHERE kind = 'import' AND state = 'applying'
)
UPDATE changes_change SET state = 'failed', problem = %s, updated_at = now()
WHERE state = 'applying' AND id IN (
    SELECT id FROM running WHERE pg_try_advisory_xact_lock(%s, (id %% 2147483648)::int)
)
"""


class ImportEnded(Exception):
    """Somebody has stopped the import; the text says so."""


def begin_import(by: Author, project: Project, source: str, number: uuid.UUID) -> Change:
    """A change for an import into a project, with the number that lines of the ledger have as
    their `change_id`. The connection of this thread holds it until `end_import`."""
    with transaction.atomic():
        change = Change.objects.create(
            uuid=number,
            kind=Kind.IMPORT,
            state=State.APPLYING,
            operation={"import": {"source": source}},
            author=by.user,
            author_name=by.name,
            is_operator=by.is_operator,
            through=by.through,
            project=project,
        )
        _lock(HOLD, change.pk)
    return change


def add_imported(change_id: int, images: Collection[int]) -> None:
    """Count new images as an import's; the last statements of the transaction that makes them.

    Raises ImportEnded where the import was stopped meanwhile.
    """
    sets.add(change_id, Outcome.TARGET, images)
    sets.add(change_id, Outcome.CHANGED, images)
    running = Change.objects.filter(pk=change_id, state=State.APPLYING)
    so_far = F("images") + len(images)
    outcomes = JSONObject(**{Outcome.CHANGED.label: so_far})
    if not running.update(images=so_far, done=so_far, outcomes=outcomes, updated_at=Now()):
        raise ImportEnded("The import was stopped.")


def end_import(change_id: int, problem: str = "") -> None:
    """Say that an import is over, and why if it broke off; forget one that has made nothing."""
    with transaction.atomic():
        change = Change.objects.select_for_update().get(pk=change_id)
        if not change.images:
            change.delete()
        elif change.state == State.APPLYING:
            now = timezone.now()
            change.state = State.FAILED if problem else State.APPLIED
            change.problem, change.updated_at = problem, now
            change.applied_at = None if problem else now
            change.save(update_fields=["state", "problem", "updated_at", "applied_at"])
    _lock(LET_GO, change_id)


def end_broken_imports() -> int:
    """Mark imports as failed whose command is gone; how many it were. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(END_BROKEN, [BROKE_OFF, LOCK_SPACE])
        return int(cursor.rowcount)


def _lock(statement: str, change_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, [LOCK_SPACE, change_id % 2**31])
