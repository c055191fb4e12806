"""The disk that database and store write to: what is free, and whether there is room to write.

That of embedded engines is asked. Of a managed database only its refusals tell, in the process that
met one.
"""

import math
import os
import shutil
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.db import connection

# With less, it is time to do something: as a share of the disk, and in bytes.
LOW_SHARE, LOW_BYTES = 0.1, 5 * 1024**3
# How long a sum of the store's files is good for.
KEPT_SECONDS = 60
# For so long a write that was refused for want of room says that there is none.
REFUSED_SECONDS = 60
# By the clock of this process.
_refused_at = -math.inf


@dataclass(frozen=True)
class Disk:
    """Bytes of the file system that the data folder is on; None of an engine that is elsewhere."""

    free: int
    total: int
    database: int | None
    store: int | None

    @property
    def is_low(self) -> bool:
        return self.free < min(LOW_BYTES, self.total * LOW_SHARE)

    @property
    def is_full(self) -> bool:
        """Whether so little is left that writes fail, or soon will."""
        return bool(self.free < settings.MIN_FREE_BYTES)


def has_no_room() -> bool:
    """Whether writes fail for want of room, as far as this process knows. No statement."""
    if time.monotonic() < _refused_at + REFUSED_SECONDS:
        return True
    if not (settings.DATABASE_IS_EMBEDDED or settings.S3_IS_EMBEDDED):
        return False
    return bool(shutil.disk_usage(settings.DATA_FOLDER).free < settings.MIN_FREE_BYTES)


def note_refusal() -> None:
    """The database has refused a write of this process for want of room."""
    global _refused_at
    _refused_at = time.monotonic()


def of_engines() -> Disk | None:
    """What there is now; None where no engine is embedded. At most one statement."""
    if not (settings.DATABASE_IS_EMBEDDED or settings.S3_IS_EMBEDDED):
        return None
    folder = settings.DATA_FOLDER
    usage = shutil.disk_usage(folder)
    store = None
    if settings.S3_IS_EMBEDDED:
        store = _bytes_in(folder / "seaweedfs", int(time.monotonic() / KEPT_SECONDS))
    return Disk(usage.free, usage.total, _database_bytes(), store)


def _database_bytes() -> int | None:
    if not settings.DATABASE_IS_EMBEDDED:
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


@lru_cache(maxsize=1)
def _bytes_in(folder: Path, when: int) -> int:
    """What the files of a folder take. The store keeps objects in few large ones."""
    sizes = 0
    for at, _, names in os.walk(folder):
        for name in names:
            try:
                # What is allocated: files of volumes are sparse at first.
                sizes += os.stat(os.path.join(at, name)).st_blocks * 512
            except FileNotFoundError:
                continue
    return sizes
