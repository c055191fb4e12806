"""Restores a backup into a database and a bucket that are empty, those of the settings.

A table marks the database from before the first byte until all of it is there: what a restore that
was broken off has left is taken by nobody for a whole service.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice

from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from psycopg2 import sql

from images import keys, storage
from images.inspection.sizes import MEDIA_TYPE
from images.storage.quick import Put
from taggedimages.backup import contents, programs, readable
from taggedimages.backup.folder import DATABASE, Folder, Manifest, Stored, Unusable
from taggedimages.terminal import progress

OBJECTS_AT_ONCE = 10_000
MARK = "taggedimages_half_restored"
HALF_RESTORED = (
    "The database is half restored: a restore was broken off. Make it and the bucket empty again"
    " (DROP DATABASE and CREATE DATABASE; remove all objects), and restore once more."
)
RELATIONS = """
SELECT relname FROM pg_class c
WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid
                AND deptype = 'e')
ORDER BY relname
"""


class NotEmpty(Exception):
    """There is something already where a backup is to be restored; the text says what to do."""


def refuse_misfit(folder: Folder, manifest: Manifest) -> None:
    """Raise Unusable where this service, as it is set, could not read what would be restored."""
    known = set(MigrationLoader(None).disk_migrations)
    made = {(app, name) for app, names in manifest.migrations.items() for name in names}
    ours = {app for app, _ in known}
    if unknown := sorted(f"{app} {name}" for app, name in made - known if app in ours):
        raise Unusable(
            f"The backup is of a newer version, with migrations that this one lacks: {unknown[0]}"
            f" and {len(unknown) - 1} more. Restore it with that version."
        )
    backed_up = readable.keys(folder.path / manifest.run)["SECRET_KEY"]
    if backed_up not in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        raise Unusable(
            "SECRET_KEY is another than that of the backup, which encrypted what is in it: set"
            f" the one in {folder.path / manifest.run / readable.KEYS}."
        )
    if programs.server_version() // 10_000 < manifest.postgresql // 10_000:
        raise Unusable(
            f"The backup is of PostgreSQL {manifest.postgresql // 10_000}, and this server is"
            " older."
        )


def refuse_occupied() -> None:
    """Raise NotEmpty unless database and bucket are there and have nothing.

    Raises storage.StorageUnavailable.
    """
    with connection.cursor() as cursor:
        cursor.execute(RELATIONS)
        found = [name for (name,) in cursor.fetchall()]
    if MARK in found:
        raise NotEmpty(HALF_RESTORED)
    if found:
        raise NotEmpty(f"The database is not empty: it has {found[0]} and {len(found) - 1} more.")
    storage.ensure_bucket()
    if taken := next(storage.objects(), None):
        raise NotEmpty(f"The bucket {settings.S3_BUCKET} is not empty: it has {taken[0]}.")


def restore(folder: Folder, manifest: Manifest, at_once: int, say: Callable[[str], object]) -> None:
    """Put database and objects back, and compare what is there then with what there was.

    Raises NotEmpty, Unusable, programs.ProgramFailed and storage.StorageUnavailable.
    """
    pg_restore = programs.found("pg_restore")
    refuse_misfit(folder, manifest)
    refuse_occupied()
    _run("CREATE TABLE {} (since timestamptz DEFAULT now())")
    programs.run(
        pg_restore,
        *("--exit-on-error", "--no-owner", "--no-privileges", "--no-comments"),
        f"--jobs={at_once}",
        str(folder.path / manifest.run / DATABASE),
    )
    _compare(manifest)
    say(f"The database is there: {manifest.images} images.")
    _put_all(folder, manifest, at_once)
    say(f"The objects are there: {manifest.objects}.")
    # What plans rest on, and which pages nobody has to look at for who sees them.
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
    _run("DROP TABLE {}")


def is_half_restored() -> bool:
    """Whether a restore into this database was broken off."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [MARK])
        return bool(cursor.fetchone()[0])


def _compare(manifest: Manifest) -> None:
    """Raise programs.ProgramFailed where a table has other rows than it had."""
    rows = contents.table_rows()
    del rows[MARK]
    differing = [name for name in manifest.tables if rows.get(name) != manifest.tables[name]]
    if differing or rows.keys() != manifest.tables.keys():
        raise programs.ProgramFailed(
            f"What was restored is not what was dumped: {', '.join(differing) or 'tables differ'}."
        )
    if contents.ledgers() != manifest.ledgers:
        raise programs.ProgramFailed("The ledger does not end where it ended.")


def _put_all(folder: Folder, manifest: Manifest, at_once: int) -> None:
    left = folder.stored(manifest)
    title, threads = "Objects", ThreadPoolExecutor(at_once)
    with threads, progress(title, manifest.objects, "objects") as bar:
        while batch := list(islice(left, OBJECTS_AT_ONCE)):
            with storage.quick_puts(at_once) as quick_put:
                for _ in threads.map(partial(_put, quick_put, folder), batch):
                    bar.update(1)


def _put(quick_put: Put, folder: Folder, stored: Stored) -> None:
    path = folder.object_path(stored.sha256)
    media_type = MEDIA_TYPE if keys.previewed(stored.key) else storage.OCTETS
    if stored.bytes > storage.QUICK_BYTES:
        storage.put_file(stored.key, path, media_type)
        return
    body = path.read_bytes()
    if not quick_put(stored.key, body, media_type):
        storage.put(stored.key, body, media_type)


def _run(text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(text).format(sql.Identifier(MARK)))
