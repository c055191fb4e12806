"""Token buckets in PostgreSQL: bursts of so many, and over time so many a minute.

A bucket is one row with the instant at which it will be full again (the theoretical arrival time of
GCRA, ITU-T I.371): each token taken puts that off by a minute's so-manieth part. One statement
takes a token under the row's lock, so the count is exact over all processes; callers ask outside
transactions, so that nothing is held and no rollback gives a token back.

The table is unlogged: after a crash of the server all buckets are full.
"""

from datetime import datetime, timedelta

from django.db import DEFAULT_DB_ALIAS, connections

from taggedimages.identity.rate_limits import Kind, refused
from taggedimages.postgresql.prepared import execute_prepared

TAKE = """
INSERT INTO identity_bucket AS b (key, full_at)
VALUES (%(key)s, coalesce(%(now)s::timestamptz, statement_timestamp()) + %(each)s::interval)
ON CONFLICT (key) DO UPDATE
SET full_at = greatest(b.full_at + %(each)s::interval, EXCLUDED.full_at)
WHERE b.full_at + %(each)s::interval <= EXCLUDED.full_at + %(burst)s::interval
RETURNING 1
"""
LACKING = """
SELECT extract(epoch FROM full_at - %(burst)s::interval
    - coalesce(%(now)s::timestamptz, statement_timestamp()))
FROM identity_bucket WHERE key = %(key)s
"""
MINUTE = timedelta(minutes=1)


def take(kind: Kind, caller: str, now: datetime | None = None) -> None:
    """Take a token of a caller's, at a time that is the database's unless one is given.

    On the primary and at once: not to be called within a transaction. Raises RateExceeded.
    """
    if not kind.is_on:
        return
    each = MINUTE // kind.per_minute
    asked = {
        "key": kind.key(caller),
        "each": each,
        "burst": each * (kind.per_minute - 1),
        "now": now,
    }
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        execute_prepared(cursor, TAKE, asked)
        if cursor.fetchone():
            return
        execute_prepared(cursor, LACKING, asked)
        row = cursor.fetchone()
    raise refused(kind, float(row[0]) if row else 0)
