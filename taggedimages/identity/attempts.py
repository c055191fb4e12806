"""Attempts to log in, by their times: never more of them within any minute than are allowed.

Stricter than a bucket, which would let another one in after a few seconds, and as exact: a row has
the times of a caller's last attempts, and one statement looks at them and adds one. The table is
unlogged: a crash of the server forgets them.
"""

from datetime import datetime
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from taggedimages.identity.rate_limits import Kind, refused

# Only the last ones matter, as many as are allowed. No two have the same time, so that one of them
# can be taken back.
TAKE = """
INSERT INTO identity_attempts AS a (key, at)
VALUES (%(key)s, ARRAY[coalesce(%(now)s::timestamptz, statement_timestamp())])
ON CONFLICT (key) DO UPDATE SET at = a.at[cardinality(a.at) + 2 - %(most)s :]
    || greatest(EXCLUDED.at[1], a.at[cardinality(a.at)] + interval '1 microsecond')
WHERE coalesce(
    a.at[cardinality(a.at) + 1 - %(most)s] <= EXCLUDED.at[1] - interval '1 minute', true)
RETURNING at[cardinality(at)]
"""
LACKING = """
SELECT extract(epoch FROM at[cardinality(at) + 1 - %(most)s] + interval '1 minute'
    - coalesce(%(now)s::timestamptz, statement_timestamp()))
FROM identity_attempts WHERE key = %(key)s
"""
GIVE_BACK = "UPDATE identity_attempts SET at = array_remove(at, %(at)s) WHERE key = %(key)s"


def check(kind: Kind, caller: str, now: datetime | None = None) -> None:
    """Raise RateExceeded where a caller may not try now; counts nothing."""
    if not kind.is_on:
        return
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(LACKING, _asked(kind, caller, now))
        row = cursor.fetchone()
    if row and row[0] is not None and row[0] > 0:
        raise refused(kind, float(row[0]))


def take(kind: Kind, caller: str, now: datetime | None = None) -> datetime | None:
    """Count an attempt; when it was, or None where nothing is limited.

    On the primary and at once: not to be called within a transaction. Raises RateExceeded.
    """
    if not kind.is_on:
        return None
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(TAKE, _asked(kind, caller, now))
        row = cursor.fetchone()
    if row is None:
        check(kind, caller, now)
        # It has become possible since.
        raise refused(kind, 0)
    at: datetime = row[0]
    return at


def give_back(kind: Kind, caller: str, at: datetime | None) -> None:
    """Let an attempt not count, by the time that `take` told."""
    if at is None:
        return
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(GIVE_BACK, {"key": kind.key(caller), "at": at})


def _asked(kind: Kind, caller: str, now: datetime | None) -> dict[str, Any]:
    return {"key": kind.key(caller), "most": kind.per_minute, "now": now}
