"""What one state of the database has: rows of each table, and the objects that its records name."""

from collections.abc import Iterator
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from psycopg2 import sql

from images import keys, previews
from search.index.bits import block_of, is_set
from taggedimages.postgresql.fragments import statement
from tags.ledger import TagChange, VocabularyChange

TABLES = """
SELECT relname FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') ORDER BY relname
"""
# An image has its file while it is not deleted, or as long as something is to be done about that
# (check_at) or somebody holds it (held_at, or a release that stands). The file of a deleted image
# that nobody holds may just be going. What is awaited may have arrived all the same, and be taken
# meanwhile, which moves it; what was refused may be there. Of other records without a file, such as
# imported ones, which may be all there are, nobody expects one.
NAMED = statement(
    """
WITH image AS (
    SELECT i.id, i.uuid, i.key, i.size, i.uploaded_at, i.processed_at,
           i.deleted_at IS NULL OR i.held_at IS NOT NULL OR EXISTS (
               SELECT FROM datasets_set s JOIN datasets_release r ON r.id = s.release_id
               WHERE s.block = {block} AND {is_member} AND r.state IN ('building', 'released')
           ) AS is_kept
    FROM images_image i
    WHERE CASE WHEN i.deleted_at IS NOT NULL THEN i.check_at IS NOT NULL OR i.held_at IS NOT NULL
               WHEN i.uploaded_at IS NULL THEN i.check_at IS NOT NULL OR i.checks > 0
                    OR i.upload_error <> '' AND i.upload_error NOT LIKE 'lost:%%'
               ELSE true END
)
SELECT key, size, encode(sha256, 'hex'), encode(md5, 'hex'), is_needed, is_preview FROM (
    SELECT i.key COLLATE "C" AS key, i.size,
           CASE WHEN i.processed_at IS NOT NULL THEN f.sha256 END AS sha256,
           CASE WHEN i.processed_at IS NOT NULL THEN f.md5 END AS md5,
           i.is_kept AND i.uploaded_at IS NOT NULL AS is_needed, false AS is_preview
    FROM image i LEFT JOIN images_facts f ON f.image_id = i.id
    UNION ALL
    SELECT replace(preview.key, %s, i.uuid::text), NULL, NULL, NULL, i.is_kept, true
    FROM image i JOIN images_facts f ON f.image_id = i.id AND f.has_previews,
         unnest(%s::text[]) AS preview (key)
) named ORDER BY key
""",
    block=block_of("i.id"),
    is_member=is_set("s.bits", "i.id"),
).text
ANY_UUID = UUID(int=0)


class Named(NamedTuple):
    """An object that a record names. What its bytes are, as far as that is known: a preview is as
    it was made last, and of a file that was not yet taken, nothing is."""

    key: str
    bytes: int | None
    # 64 and 32 hexadecimal digits.
    sha256: str | None
    md5: str | None
    # Whether it is a fault where it is not there.
    is_needed: bool
    is_preview: bool

    @property
    def moved(self) -> str:
        """Where it is moved if it is taken meanwhile."""
        return keys.archived(keys.upload_key(self.key))


def objects() -> Iterator[Named]:
    """Every object that a record names, in order of the bytes of their keys; in a transaction."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(NAMED, [str(ANY_UUID), previews.keys(ANY_UUID)])
        for row in cursor:
            yield Named(*row)


def table_rows() -> dict[str, int]:
    """How many rows each table of the service has."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        names = [name for (name,) in cursor.fetchall()]
        return {name: _one(cursor, "SELECT count(*) FROM {}", name) for name in names}


def ledgers() -> dict[str, int]:
    """The highest id in each ledger; 0 where it is empty."""
    tables = [model._meta.db_table for model in (TagChange, VocabularyChange)]
    with connection.cursor() as cursor:
        return {name: _one(cursor, "SELECT COALESCE(max(id), 0) FROM {}", name) for name in tables}


def migrations() -> dict[str, list[str]]:
    """The names of all migrations that were applied, by app."""
    found: dict[str, list[str]] = {}
    for app, name in sorted(MigrationRecorder(connection).applied_migrations()):
        found.setdefault(app, []).append(name)
    return found


def exported_snapshot() -> str:
    """The name under which others see the state that this transaction sees."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_export_snapshot()")
        return str(cursor.fetchone()[0])


def _one(cursor: object, text: str, table: str) -> int:
    cursor.execute(sql.SQL(text).format(sql.Identifier(table)))  # type: ignore[attr-defined]
    return int(cursor.fetchone()[0])  # type: ignore[attr-defined]
