"""Removes what is kept of callers for a while: full buckets, old attempts, answers that expired."""

from django.db import connection

AT_ONCE = 10_000
# Tables, and which of their rows say no more than none would.
STALE_ROWS = (
    ("identity_bucket", "full_at <= statement_timestamp()"),
    (
        "identity_attempts",
        "coalesce(at[cardinality(at)] <= statement_timestamp() - interval '1 minute', true)",
    ),
    ("identity_signedanswer", "expires_at < statement_timestamp()"),
    ("identity_keptanswer", "expires_at < statement_timestamp()"),
)
REMOVE = """
DELETE FROM {table} WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM {table} WHERE {stale} LIMIT %s FOR UPDATE SKIP LOCKED))
"""
COUNT = "SELECT count(*) FROM {table} WHERE {stale}"


def forget_callers(at_once: int = AT_ONCE) -> int:
    """Remove all rows that say no more than none would, so many a statement; how many there were.

    A request that wants one of them waits for that statement alone.
    """
    return sum(
        _emptied(REMOVE.format(table=table, stale=stale), at_once) for table, stale in STALE_ROWS
    )


def stale() -> int:
    """How many rows `forget_callers` would remove."""
    with connection.cursor() as cursor:
        found = 0
        for table, stale in STALE_ROWS:
            cursor.execute(COUNT.format(table=table, stale=stale))
            found += cursor.fetchone()[0]
    return found


def _emptied(statement: str, at_once: int) -> int:
    removed = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(statement, [at_once])
            found = int(cursor.rowcount)
            removed += found
            if found < at_once:
                return removed
