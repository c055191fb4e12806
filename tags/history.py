"""The ledger: every change of an image's tags, signed with who made it and how.

Triggers write it (migration 0002), so no way of changing a link can forget to. What they cannot
know, the author, is told to the transaction by `signed`, in one statement.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, models, transaction

from taggedimages.identity.authors import Author
from tags.models import TagChange

SIGN = (
    "SELECT set_config('taggedimages.user_id', %s, true),"
    " set_config('taggedimages.user_name', %s, true),"
    " set_config('taggedimages.through', %s, true),"
    " set_config('taggedimages.change_id', %s, true)"
)


@contextmanager
def signed(by: Author, change_id: uuid.UUID | None = None) -> Iterator[uuid.UUID]:
    """A transaction whose tag changes carry an author and one change id, which is yielded.

    Give `change_id` where one change spans several transactions. Costs one statement.
    """
    change_id = change_id or uuid.uuid4()
    user_id = str(by.user.pk) if by.user else ""
    with transaction.atomic(savepoint=False):
        with connection.cursor() as cursor:
            cursor.execute(SIGN, [user_id, by.name, by.through, str(change_id)])
        yield change_id


def of_image(image_id: int) -> models.QuerySet[TagChange]:
    """What happened to the tags of an image, newest first."""
    return TagChange.objects.filter(image_id=image_id).order_by("-id")
