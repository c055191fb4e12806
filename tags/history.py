"""The ledgers: every change of an image's tags, and of the vocabulary, signed with who made it and
how.

Triggers write them (migrations 0002 and 0019), so no way of changing a link or a tag can forget to.
What they cannot know, the author, is told to the transaction by `signed`, in one statement.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

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
    first line: with that one comes the stamp of them all (docs/ARCHITECTURE.md).
    """
    if within := _change.get():
        yield within
        return
    change_id = change_id or uuid.uuid4()
    user_id = str(by.user.pk) if by.user else ""
    part_of = "" if bulk is None else str(bulk)
    with transaction.atomic(savepoint=False):
        with connection.cursor() as cursor:
            cursor.execute(SIGN, [user_id, by.name, by.through, str(change_id), part_of])
        token = _change.set(change_id)
        try:
            yield change_id
        finally:
            _change.reset(token)


def of_image(image_id: int) -> models.QuerySet[TagChange]:
    """What happened to the tags of an image, newest first."""
    return TagChange.objects.filter(image_id=image_id).order_by("-id")
