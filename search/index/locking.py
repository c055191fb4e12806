"""The one transaction that changes the index: no two are at it, and each sees one state."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, connection, transaction
from django.db.backends.utils import CursorWrapper

from taggedimages.transactions import LOCK_NOT_AVAILABLE, sqlstate

# Writers of images and tags, and readers, do not conflict with it.
LOCK = "LOCK TABLE search_rebuild IN SHARE ROW EXCLUSIVE MODE"


@contextmanager
def index_transaction(*, nowait: bool = False) -> Iterator[CursorWrapper]:
    """A transaction that holds the index, whose statements all see the same state of the database.

    Waits for whoever holds it; with `nowait`, raises DatabaseError (LOCK_NOT_AVAILABLE) instead.
    Within another transaction, the state is that of each statement.
    """
    outermost = not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if outermost:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        # Before the first query, and so before the state that all of them see.
        cursor.execute(f"{LOCK} NOWAIT" if nowait else LOCK)
        yield cursor


@contextmanager
def unless_busy() -> Iterator[None]:
    """Leave it at that where another process holds the index, and does as much."""
    try:
        yield
    except DatabaseError as error:
        if sqlstate(error) != LOCK_NOT_AVAILABLE:
            raise
