"""Transactions whose statements all see one state of the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connection, transaction

# Beyond this, whoever was at it is taken to be stuck: splits are compared between two statements.
IDLE_SECONDS = 600


@contextmanager
def one_state(*, read_only: bool = False) -> Iterator[datetime]:
    """A transaction of one state, and the instant of that. Within another transaction, which
    cannot be made such, each statement sees the state of its own."""
    outermost = not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if outermost:
            mode = ", READ ONLY" if read_only else ""
            cursor.execute(f"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ{mode}")
        cursor.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'")
        # The first statement that reads is the one whose state all others see.
        cursor.execute("SELECT clock_timestamp()")
        yield cursor.fetchone()[0]
