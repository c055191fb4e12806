"""The ledgers: every change of an image's tags, and of the vocabulary, signed with who made it and
how.

Triggers write them (migrations 0002 and 0019), so no way of changing a link or a tag can forget to.
What they cannot know, the author, is told to the transaction by `signed`, in one statement.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.conf import settings
from django.db import connection, models, transaction

from taggedimages.identity.authors import Author
from tags.models import TagChange

SIGN = (
    "SELECT set_config('taggedimages.user_id', %s, true),"
    " set_config('taggedimages.user_name', %s, true),"
    " set_config('taggedimages.through', %s, true),"
    " set_config('taggedimages.change_id', %s, true),"
    " set_config('taggedimages.bulk', %s, true)"
)


# From PostgreSQL 17 on a transaction can be bounded; before, one that has come to a halt.
BOUND = ", set_config('{limit}', %s, true)"
KNOWS_TRANSACTION_TIMEOUT = 170000

# The change that this thread is making.
_change: ContextVar[uuid.UUID | None] = ContextVar("change", default=None)


@contextmanager
def signed(
    by: Author, change_id: uuid.UUID | None = None, bulk: int | None = None
) -> Iterator[uuid.UUID]:
    """A transaction whose changes of links and tags carry an author and one change id, which is
    yielded. Within another it is a part of that one: of its author, its id and its bulk.

    Give `change_id` where one change spans several transactions, and `bulk`, the id of a change of
    many images, where it is a part of one. Costs one statement. All row locks are taken before the
    first line: with that one comes the stamp of them all (docs/ARCHITECTURE.md). In processes that
    serve requests the transaction ends within WRITE_TIMEOUT_MS, or fails as an outage does.
    """
    if within := _change.get():
        yield within
        return
    change_id = change_id or uuid.uuid4()
    user_id = str(by.user.pk) if by.user else ""
    part_of = "" if bulk is None else str(bulk)
    told = [user_id, by.name, by.through, str(change_id), part_of]
    with transaction.atomic(savepoint=False):
        with connection.cursor() as cursor:
            cursor.execute(*_bounded(SIGN, told))
        token = _change.set(change_id)
        try:
            yield change_id
        finally:
            _change.reset(token)


def _bounded(statement: str, values: list[str]) -> tuple[str, list[str]]:
    if not settings.WRITE_TIMEOUT_MS:
        return statement, values
    knows = connection.connection.server_version >= KNOWS_TRANSACTION_TIMEOUT
    limit = "transaction_timeout" if knows else "idle_in_transaction_session_timeout"
    return statement + BOUND.format(limit=limit), [*values, str(settings.WRITE_TIMEOUT_MS)]


def of_image(image_id: int) -> models.QuerySet[TagChange]:
    """What happened to the tags of an image, newest first."""
    return TagChange.objects.filter(image_id=image_id).order_by("-id")
