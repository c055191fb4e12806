"""What this host gives: room on its disks, and a data folder that nobody else can read."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from taggedimages.disk import Disk
from taggedimages.doctor.findings import Finding, amount, fail, ok, warn

SPACE_DO = (
    "Free some, or move the data folder to a larger disk; docs/operating/doctor.md, When the disk "
    "is full."
)
# Whoever reads these can do all that the service can.
SECRETS = (
    "state.json",
    "state.json.copy",
    "seaweedfs/s3.json",
    "seaweedfs/security.toml",
    "seaweedfs/tls/key.pem",
)
FOLDERS = ("postgres", "seaweedfs", "logs")
# Files that the file system can still make.
FEW_FILES = 10_000


def disk() -> Iterator[Finding]:
    """Room for the embedded engines, and for files that are being inspected."""
    if is_embedded():
        yield _room_for_engines(settings.DATA_FOLDER)
    else:
        yield ok("No engine is embedded: this host's disk holds no data of the service.")
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if free < settings.MAX_INSPECTED_BYTES:
        most = amount(settings.MAX_INSPECTED_BYTES)
        said = (
            f"{amount(free)} are free in {folder}; a file that is inspected may take {most} there."
        )
        yield warn(
            said,
            "Free some, name another folder by TMPDIR, or lower TAGGEDIMAGES_MAX_INSPECTED_BYTES.",
        )


def _room_for_engines(folder: Path) -> Finding:
    usage, files = shutil.disk_usage(folder), os.statvfs(folder)
    found = Disk(usage.free, usage.total, None, None)
    said = f"{amount(found.free)} of {amount(found.total)} are free where {folder} is."
    if found.is_full:
        return fail(f"The disk is full: {said} Writes fail, or soon will.", SPACE_DO)
    # Some file systems have no such limit, and tell 0 of 0.
    if files.f_files and files.f_favail < FEW_FILES:
        return fail(f"The file system has room for {files.f_favail:,} more files.", SPACE_DO)
    return warn(f"The disk is nearly full: {said}", SPACE_DO) if found.is_low else ok(said)


def data_folder() -> Iterator[Finding]:
    """Owners and modes of the data folder: keys for nobody else, each engine its own files."""
    if not is_embedded():
        yield ok("No engine is embedded: there is no data folder.")
        return
    folder = settings.DATA_FOLDER
    wrong = [*_open_to_others(folder), *_of_others(folder)]
    yield from wrong
    if not wrong:
        yield ok(f"{folder} and its keys are closed to other users.")


def is_embedded() -> bool:
    """Whether there is a data folder with an engine."""
    return bool(settings.DATABASE_IS_EMBEDDED or settings.S3_IS_EMBEDDED)


def _open_to_others(folder: Path) -> Iterator[Finding]:
    for path in (folder / name for name in SECRETS):
        if path.exists() and (mode := _mode(path)) & 0o077:
            said = f"{path} has mode {mode:04o}: other users of this machine can read keys."
            yield fail(
                said, f"`chmod 600 {path}`, and `manage.py rotate_keys` if anybody may have."
            )
    # Passing through is let to PostgreSQL's account, where the service runs as root.
    if (mode := _mode(folder)) & 0o066:
        yield fail(
            f"{folder} has mode {mode:04o}: other users can look into it.",
            f"`chmod go-rw {folder}`.",
        )
    for path in (folder / name for name in FOLDERS):
        if path.exists() and (mode := _mode(path)) & 0o077:
            yield fail(
                f"{path} has mode {mode:04o}: other users can enter it.", f"`chmod 700 {path}`."
            )


def _of_others(folder: Path) -> Iterator[Finding]:
    """What the service cannot use, or what somebody else can change."""
    owner = folder.stat().st_uid
    if owner != os.geteuid():
        said = f"{folder} belongs to user {owner}, and this runs as user {os.geteuid()}."
        yield warn(said, "Run `up` and all commands as one user, the owner.")
    for path in (folder / name for name in ("state.json", "seaweedfs", "logs")):
        if path.exists() and path.stat().st_uid not in (owner, 0):
            said = f"{path} belongs to user {path.stat().st_uid}, the data folder to {owner}."
            yield fail(said, f"`chown -R {owner} {path}`, with `up` stopped.")
    data = folder / "postgres" / "data"
    if data.exists() and data.stat().st_uid != data.parent.stat().st_uid:
        said = f"{data} and the folder that it is in belong to different users."
        yield fail(said, f"`chown -R {data.parent.stat().st_uid} {data}`, with `up` stopped.")


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
