"""Makes a backup beside a running service: one state of the database, and the objects in it.

Files are kept from being removed meanwhile, by the lock that builds of releases share
(`taggedimages.datasets.holding`): so all that the dump names is still there when it is copied. What
is written after the dump is none of it.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson
from django.conf import settings
from django.db import connection

from images.models import Image
from taggedimages.backup import contents, programs, readable
from taggedimages.backup.contents import Named
from taggedimages.backup.copying import Copied, Copying, Earlier
from taggedimages.backup.folder import DATABASE, Folder, Manifest, Unusable, files_of
from taggedimages.backup.models import Backup
from taggedimages.datasets import holding
from taggedimages.datasets.snapshots import one_state
from taggedimages.terminal import progress

# What the database named, as long as it is not copied.
NAMED = "named.jsonl"
# So much missing of all is no loss of some: settings name another bucket.
SUSPICIOUS_SHARE, SUSPICIOUS_NUMBER = 0.1, 100
# The fastest: pg_dump's own default takes three times as long for a tenth less.
COMPRESSION = "gzip:1"
# How long a migration that holds a table is waited for.
LOCK_WAIT = "60s"


@dataclass(frozen=True)
class Made:
    """A backup that was made."""

    manifest: Manifest
    copied: Copied
    removed: int

    def whole(self) -> dict[str, object]:
        """What is told of it, in JSON."""
        return {
            "folder_run": self.manifest.run,
            "started_at": self.manifest.started_at,
            "finished_at": self.manifest.finished_at,
            "images": self.manifest.images,
            "objects": self.manifest.objects,
            "bytes": self.manifest.bytes,
            "new_objects": self.copied.new_objects,
            "new_bytes": self.copied.new_bytes,
            "removed_files": self.removed,
            "missing": self.copied.missing,
            "lost_but_kept": self.copied.kept,
            "is_whole": not self.copied.missing and not self.copied.kept,
        }


@dataclass(frozen=True)
class Dumped:
    """What the dump has."""

    tables: dict[str, int]
    ledgers: dict[str, int]
    migrations: dict[str, list[str]]
    images: int
    named: int


def make(path: Path, at_once: int, *, deep: bool, warn: Callable[[str], object]) -> Made:
    """Make a backup in a folder, which has one of before or nothing; `warn` is told each fault.

    Whatever comes between, the folder has one whole backup: that of before, or this one. Raises
    Unusable, programs.ProgramFailed and storage.StorageUnavailable.
    """
    folder = Folder(path)
    refuse_data_folder(folder.path)
    began = datetime.now(UTC)
    with folder.written() as lock:
        before = folder.manifest()
        pg_dump, pg_restore = programs.found("pg_dump"), programs.found("pg_restore")
        run = folder.begin()
        try:
            with holding.building():
                dumped = dump(run, pg_dump, at_once, lock)
                copied = copy(folder, before, run, dumped, at_once, deep=deep, warn=warn)
            refuse_wrong_bucket(copied)
            check_dump(pg_restore, run, dumped)
            readable.write(run)
            manifest = described(run, began, dumped, copied)
        except BaseException:
            # Perhaps the disk is full. Bytes of objects stay, for the next run to find.
            shutil.rmtree(run, ignore_errors=True)
            raise
        folder.commit(manifest)
        folder.prune_runs(manifest)
        removed = folder.prune_objects(manifest)
    made = Made(manifest, copied, removed)
    remember(folder, made)
    return made


def described(run: Path, began: datetime, dumped: Dumped, copied: Copied) -> Manifest:
    """The manifest of a run that has all its files."""
    (run / NAMED).unlink()
    return Manifest(
        run=run.name,
        started_at=began.isoformat(),
        finished_at=datetime.now(UTC).isoformat(),
        service=str(settings.SPECTACULAR_SETTINGS["VERSION"]),
        postgresql=programs.server_version(),
        migrations=dumped.migrations,
        bucket=settings.S3_BUCKET,
        tables=dumped.tables,
        ledgers=dumped.ledgers,
        images=dumped.images,
        objects=copied.objects,
        bytes=copied.bytes,
        missing=copied.missing,
        files=files_of(run),
    )


def dump(run: Path, pg_dump: programs.Program, at_once: int, lock: int) -> Dumped:
    """Have pg_dump write one state of the database, and list what else there is to copy in it."""
    with one_state(read_only=True), connection.cursor() as cursor:
        snapshot = contents.exported_snapshot()
        tables = contents.table_rows()
        with (run / NAMED).open("wb") as lines:
            number = 0
            for number, named in enumerate(contents.objects(), 1):  # noqa: B007
                lines.write(orjson.dumps(tuple(named)) + b"\n")
        dumped = Dumped(
            tables,
            contents.ledgers(),
            contents.migrations(),
            tables[Image._meta.db_table],
            number,
        )
        programs.run(
            pg_dump,
            "--format=directory",
            f"--file={run / DATABASE}",
            f"--jobs={at_once}",
            f"--snapshot={snapshot}",
            f"--compress={COMPRESSION}",
            f"--lock-wait-timeout={LOCK_WAIT}",
            # The server ends transactions that say nothing for long.
            meanwhile=lambda: cursor.execute("SELECT 1"),
            kept_open=(lock,),
        )
    return dumped


def copy(
    folder: Folder,
    before: Manifest | None,
    run: Path,
    dumped: Dumped,
    at_once: int,
    *,
    deep: bool,
    warn: Callable[[str], object],
) -> Copied:
    """Copy the objects that the dump names."""
    copying = Copying(folder, at_once, deep=deep)
    earlier = Earlier(folder.stored(before))
    with progress("Objects", dumped.named, "objects") as bar:
        return copying.run(_named(run), earlier, run, bar.update, warn)


def check_dump(pg_restore: programs.Program, run: Path, dumped: Dumped) -> None:
    """Raise programs.ProgramFailed unless pg_restore finds the rows of every table in the dump."""
    found = programs.listed(pg_restore, run / DATABASE)
    with_rows = {
        parts[parts.index("DATA") + 2]
        for line in found.splitlines()
        if (parts := line.split()) and "TABLE DATA" in line
    }
    if lacking := dumped.tables.keys() - with_rows:
        raise programs.ProgramFailed(f"The dump lacks the rows of: {', '.join(sorted(lacking))}.")


def refuse_wrong_bucket(copied: Copied) -> None:
    """Raise Unusable where so much is missing that another bucket is more likely."""
    lost, all_of_them = copied.missing + copied.kept, copied.objects + copied.missing
    if lost > max(SUSPICIOUS_NUMBER, all_of_them * SUSPICIOUS_SHARE):
        raise Unusable(
            f"{lost} of {all_of_them} objects are not in {settings.S3_BUCKET} as the records say."
            " Is it the right bucket? The backup of before is left as it was."
        )


def refuse_data_folder(path: Path) -> None:
    """Raise Unusable for a place that is lost with what is backed up."""
    if settings.DATA_FOLDER in (path, *path.parents):
        raise Unusable(f"{path} is within the data folder, and would be lost with it.")


def remember(folder: Folder, made: Made) -> None:
    """Have the database know when a backup was made, and whether it is whole."""
    manifest = made.manifest
    finished_at = datetime.fromisoformat(manifest.finished_at)
    Backup.objects.create(
        started_at=datetime.fromisoformat(manifest.started_at),
        finished_at=finished_at,
        folder=str(folder.path),
        images=manifest.images,
        objects_count=manifest.objects,
        bytes=manifest.bytes,
        verified_at=finished_at if made.whole()["is_whole"] else None,
    )


def _named(run: Path) -> Iterator[Named]:
    with (run / NAMED).open("rb") as lines:
        for line in lines:
            yield Named(*orjson.loads(line))
