"""Removes what is kept of callers for a while: full buckets, old attempts, answers that expired."""

from django.db import connection

AT_ONCE = 10_000
STALE_ROWS = (
    """
    DELETE FROM identity_bucket WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM identity_bucket WHERE full_at <= statement_timestamp()
        LIMIT %s FOR UPDATE SKIP LOCKED))
    """,
    """
    DELETE FROM identity_attempts WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM identity_attempts
        WHERE coalesce(at[cardinality(at)] <= statement_timestamp() - interval '1 minute', true)
        LIMIT %s FOR UPDATE SKIP LOCKED))
    """,
    """
    DELETE FROM identity_signedanswer WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM identity_signedanswer WHERE expires_at < statement_timestamp()
        LIMIT %s FOR UPDATE SKIP LOCKED))
    """,
    """
    DELETE FROM identity_keptanswer WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM identity_keptanswer WHERE expires_at < statement_timestamp()
        LIMIT %s FOR UPDATE SKIP LOCKED))
    """,
)


def forget_callers(at_once: int = AT_ONCE) -> int:
    """Remove all rows that say no more than none would, so many a statement; how many there were.

    A request that wants one of them waits for that statement alone.
    """
    return sum(_emptied(statement, at_once) for statement in STALE_ROWS)


def _emptied(statement: str, at_once: int) -> int:
    removed = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(statement, [at_once])
            found = int(cursor.rowcount)
            removed += found
            if found < at_once:
                return removed
