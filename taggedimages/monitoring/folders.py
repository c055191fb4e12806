"""Where the processes of one machine share their numbers, named before any of them counts.

In memory where the system has a place for that: the files are mapped, and to write into one on a
full disk ends the process.
"""

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# What prometheus_client calls it.
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
IN_MEMORY = Path("/dev/shm")  # noqa: S108  a folder of our own is made there


@contextmanager
def of_up(data: Path) -> Iterator[None]:
    """Name an empty folder for the only `up` on this data folder, and remove it at the end; one
    that was killed left the same."""
    name = hashlib.sha256(str(data).encode()).hexdigest()[:16]
    folder = (IN_MEMORY if _is_usable() else data) / f"taggedimages-{os.getuid()}-{name}"
    if not _is_ours(folder):
        # Whoever else made it may read and write there.
        folder = data / "metrics"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
    for file in folder.glob("*.db"):
        file.unlink(missing_ok=True)
    with _named(folder):
        yield
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def shared() -> Iterator[None]:
    """Name a folder of our own meanwhile, unless the environment names one."""
    if os.environ.get(FOLDER):
        yield
        return
    place = IN_MEMORY if _is_usable() else None
    with (
        tempfile.TemporaryDirectory(
            prefix="taggedimages-", dir=place, ignore_cleanup_errors=True
        ) as made,
        _named(Path(made)),
    ):
        yield


@contextmanager
def _named(folder: Path) -> Iterator[None]:
    os.environ[FOLDER] = str(folder)
    try:
        yield
    finally:
        del os.environ[FOLDER]


def _is_usable() -> bool:
    return IN_MEMORY.is_dir() and os.access(IN_MEMORY, os.W_OK | os.X_OK)


def _is_ours(folder: Path) -> bool:
    """Whether it is a folder that nobody else can write to; made where there is none."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        pass
    except OSError:
        return False
    found = folder.lstat()
    is_closed = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o077
    return is_closed and found.st_uid == os.getuid()
