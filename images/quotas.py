"""How many bytes a project's files may take (PROJECT_QUOTA_BYTES; 0: as many as there are).

What counts is what records say, of files that are there and of those that are yet to come, until
an image is deleted for good. Triggers write each change of that down as a UsageDelta; they begin
when a quota is first asked for, so that without quotas nobody pays for them.
"""

from django.conf import settings
from django.db import connection

# Sets these advisory locks apart from any others in the database.
LOCK_SPACE = 1_903_271_866
# So many deltas of one project are read as fast as one.
DELTAS_MAX = 1_000

# That there is one of no project says that changes are counted.
ARE_COUNTED = "SELECT EXISTS (SELECT FROM images_usagedelta WHERE project_id = '')"
BEGIN = """
DELETE FROM images_usagedelta;
INSERT INTO images_usagedelta (project_id, bytes)
SELECT '', 0
UNION ALL
SELECT project_id, sum(size) FROM images_image WHERE deleted_at IS NULL GROUP BY project_id
"""
USAGE = """
SELECT EXISTS (SELECT FROM images_usagedelta WHERE project_id = ''),
       coalesce(sum(bytes), 0), count(*)
FROM images_usagedelta WHERE project_id = %s
"""
COMPACT = """
WITH deltas AS (DELETE FROM images_usagedelta WHERE project_id = %s RETURNING project_id, bytes)
INSERT INTO images_usagedelta (project_id, bytes)
SELECT project_id, sum(bytes) FROM deltas GROUP BY project_id
"""


class QuotaExceeded(Exception):
    """The files of a project would take more bytes than they may."""


def admit(project_id: str, size: int) -> None:
    """Raise QuotaExceeded unless the files of a project may take `size` more bytes.

    Within the transaction that adds them: until it ends, whoever asks of the same project waits.
    """
    quota = settings.PROJECT_QUOTA_BYTES
    if not quota or size <= 0:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [LOCK_SPACE, project_id])
    if usage(project_id) + size > quota:
        raise QuotaExceeded(f"quota: the files of a project take {quota} bytes at most.")


def usage(project_id: str) -> int:
    """How many bytes the files of a project take; within a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(USAGE, [project_id])
        counted, used, deltas = cursor.fetchone()
        if not counted:
            _begin()
            cursor.execute(USAGE, [project_id])
            _, used, deltas = cursor.fetchone()
        if deltas > DELTAS_MAX:
            cursor.execute(COMPACT, [project_id])
        return int(used)


def forget() -> None:
    """Have changes counted no longer, where there are no quotas any more."""
    if not settings.PROJECT_QUOTA_BYTES:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM images_usagedelta")


def _begin() -> None:
    with connection.cursor() as cursor:
        # Whoever changed images before this is done by then; what comes after sees that it counts.
        cursor.execute("LOCK TABLE images_image IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(ARE_COUNTED)
        if not cursor.fetchone()[0]:
            cursor.execute(BEGIN)
