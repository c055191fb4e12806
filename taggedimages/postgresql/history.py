"""Which history of the database this is: what processes remember belongs to one, and to no other.

A database may be restored from a dump, or its folder put back, while processes go on; then ids and
versions are given out again, to something else. So whoever remembers anything keeps `MARK` with it,
read in the very statement that tells what is remembered, and forgets it once the mark is another:

- the server's present run: data are put back while it stands still, and another server has its own;
- the table of the mark, as it was made or emptied last, and its row, as some transaction wrote it:
  on a running server, numbers of neither come again;
- the number in the row, which `renew` makes anew, for what leaves no other trace.

It costs a read of one row. The table is `identity_history` (taggedimages.identity.models.History).
"""

from datetime import datetime

from django.db import connection

# A subquery: a text as no other history, and no other server, has it.
MARK = """
(SELECT concat_ws(' ', extract(epoch FROM pg_postmaster_start_time()),
                  pg_relation_filenode('identity_history'),
                  (SELECT concat_ws(' ', xmin, mark) FROM identity_history)))
"""
RENEW = """
INSERT INTO identity_history (id, mark, put_back_at)
VALUES (1, gen_random_uuid(), clock_timestamp())
ON CONFLICT (id) DO UPDATE SET mark = EXCLUDED.mark, put_back_at = EXCLUDED.put_back_at
"""


def renew() -> None:
    """Say that the database was put back to an earlier state: by whoever has done so, afterwards.

    Nothing that processes remember holds any more, and no file that is there now is removed for
    having no record (images.orphans): a later state may have had one.
    """
    with connection.cursor() as cursor:
        cursor.execute(RENEW)


def put_back_at() -> datetime | None:
    """When the database was put back last, as far as somebody has said so."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT put_back_at FROM identity_history")
        row: tuple[datetime | None] | None = cursor.fetchone()
        return row[0] if row else None
