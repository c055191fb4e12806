"""Instants that may be asked for: such as no transaction can write behind any more.

A line of the ledgers has the time of the first of its transaction, and is seen when that ends
(docs/ARCHITECTURE.md). All that write end sooner than an instant becomes old enough, so whoever
asks for it twice is answered the same.
"""

from datetime import datetime, timedelta

from taggedimages.epochs import EPOCH
from taggedimages.postgresql.routing import read_connection

YOUNGEST_SECONDS = 10
OLD_ENOUGH = f"SELECT %s <= clock_timestamp() - interval '{YOUNGEST_SECONDS} s'"


class NotPast(ValueError):
    """An instant that lies ahead, or has hardly gone by."""


def instant(seconds: int) -> datetime:
    """The instant at which a second since the epoch begins, by the clock of the database.

    Raises NotPast. One statement.
    """
    try:
        at = EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        raise NotPast(_message()) from None
    with read_connection().cursor() as cursor:
        cursor.execute(OLD_ENOUGH, [at])
        if not cursor.fetchone()[0]:
            raise NotPast(_message())
    return at


def _message() -> str:
    return f"Must be {YOUNGEST_SECONDS} seconds ago, or longer."
