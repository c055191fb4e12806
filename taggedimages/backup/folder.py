"""A backup as it lies on disk: which files are one, and when they count.

    manifest.json                     names the backup that counts, with every file of it
    <run>/database/                   what pg_dump wrote (directory format)
    <run>/objects.jsonl               every object of the bucket: key, bytes, SHA-256, entity tag
    <run>/missing.jsonl               keys that should be there and were not, with the reason
    <run>/keys.json, settings.json    what is needed to read it (taggedimages.backup.readable)
    objects/<2 digits>/<SHA-256>      the bytes, each once, whatever keys they have
    backup.lock                       held by whoever makes, reads or checks a backup

A run writes into a folder of its own, and into `objects` only what is not there yet under the name
of its digest. So nothing of the backup that counts is ever touched, until the manifest is replaced
in one step; what only the earlier one needed goes after that.
"""

import builtins
import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

MANIFEST, LOCK, OBJECTS = "manifest.json", "backup.lock", "objects"
DATABASE, LIST, MISSING = "database", "objects.jsonl", "missing.jsonl"
FORMAT = 1
RUN = re.compile(r"\d{8}T\d{6}\.\d{6}Z")
SHA256 = re.compile("[0-9a-f]{64}")
PIECE_BYTES = 1024**2


class Unusable(Exception):
    """A folder cannot be used as what it was given for; the text says why, and what to do."""


@dataclass(frozen=True)
class File:
    """A file of a run."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """One whole backup. Times are ISO 8601 in UTC; `files` go by their path within the run."""

    run: str
    started_at: str
    finished_at: str
    service: str
    # As `server_version_num` has it, such as 180006.
    postgresql: int
    # Names that were applied, by app.
    migrations: dict[str, list[str]]
    bucket: str
    # Rows of each table, and the highest id of each ledger.
    tables: dict[str, int]
    ledgers: dict[str, int]
    images: int
    objects: int
    bytes: int
    missing: int
    files: dict[str, File]
    format: int = FORMAT

    @property
    def text(self) -> str:
        """The file `manifest.json`, to the last byte: no other text says the same."""
        told = asdict(self)
        digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
        return json.dumps(told | {"sha256": digest}, indent=1, sort_keys=True) + "\n"


@dataclass(frozen=True)
class Stored:
    """An object in a backup: a line of `objects.jsonl`."""

    key: str
    bytes: int
    sha256: str
    etag: str

    @property
    def line(self) -> "builtins.bytes":
        return orjson.dumps(asdict(self)) + b"\n"


def parsed(text: str) -> Manifest:
    """The manifest that a text is, of which not a byte was changed. Raises Unusable."""
    try:
        told = json.loads(text)
        made_by = told["format"]
        del told["sha256"]
        if made_by != FORMAT:
            raise Unusable(f"It is of format {made_by}, and this version reads {FORMAT}.")
        files = {name: File(**file) for name, file in told.pop("files").items()}
        manifest = Manifest(**told, files=files)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unusable(f"{MANIFEST} is damaged: {error!r}.") from error
    if manifest.text != text or not RUN.fullmatch(manifest.run):
        raise Unusable(f"{MANIFEST} is damaged: it has another digest than it says.")
    return manifest


class Folder:
    """The folder of a backup."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()

    def manifest(self) -> Manifest | None:
        """The backup that counts; None where there is none yet. Raises Unusable."""
        try:
            return parsed((self.path / MANIFEST).read_text())
        except FileNotFoundError:
            return None
        except (UnicodeDecodeError, OSError) as error:
            raise Unusable(f"{self.path / MANIFEST} cannot be read: {error}") from error

    def whole(self) -> Manifest:
        """The backup that counts. Raises Unusable where there is none."""
        manifest = self.manifest()
        if manifest is None:
            raise Unusable(f"{self.path} holds no backup: there is no {MANIFEST}.")
        return manifest

    @property
    def new(self) -> Path:
        """Where bytes are as long as it is not known what they are."""
        return self.path / OBJECTS / "new"

    def object_path(self, sha256: str) -> Path:
        """Where the bytes of this digest are."""
        return self.path / OBJECTS / sha256[:2] / sha256

    def stored(self, manifest: Manifest | None) -> Iterator[Stored]:
        """The objects of a backup in order of the bytes of their keys. Raises Unusable."""
        if manifest is None:
            return
        with (self.path / manifest.run / LIST).open("rb") as lines:
            for line in lines:
                try:
                    yield Stored(**orjson.loads(line))
                except (ValueError, TypeError) as error:
                    raise Unusable(f"{LIST} is damaged: {error}") from error

    @contextmanager
    def written(self) -> Iterator[int]:
        """Have the folder alone, to make a backup in it; yields the file descriptor of the lock,
        which child processes may keep. Raises Unusable."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        others = {entry.name for entry in self.path.iterdir()} - {"lost+found"}
        if others and not {LOCK, MANIFEST} & others:
            raise Unusable(
                f"{self.path} is neither empty nor a backup's: give it a folder of its own."
            )
        with (self.path / LOCK).open("a") as lock:
            _lock(lock.fileno(), fcntl.LOCK_EX, self.path)
            yield lock.fileno()

    @contextmanager
    def read(self) -> Iterator[None]:
        """Have nobody make a backup meanwhile; the folder may be read-only. Raises Unusable."""
        if not (self.path / LOCK).exists():
            # Somebody's copy, which left it out.
            yield
            return
        with (self.path / LOCK).open("r") as lock:
            _lock(lock.fileno(), fcntl.LOCK_SH, self.path)
            yield

    def begin(self) -> Path:
        """The folder of a new run; whatever a run that was broken off has left goes first."""
        self.prune_runs(self.manifest())
        shutil.rmtree(self.new, ignore_errors=True)
        self.new.mkdir(mode=0o700, parents=True)
        run = self.path / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
        run.mkdir(mode=0o700)
        return run

    def commit(self, manifest: Manifest) -> None:
        """Let a new backup count, in one step."""
        new = self.path / f"{MANIFEST}.new"
        new.write_text(manifest.text)
        # All that it names is on the disk before it is, at the price of one wait.
        os.sync()
        new.replace(self.path / MANIFEST)
        os.sync()

    def prune_runs(self, manifest: Manifest | None) -> None:
        """Remove the folders of all runs but the one that counts."""
        kept = manifest.run if manifest else ""
        for entry in self.path.iterdir():
            if RUN.fullmatch(entry.name) and entry.name != kept:
                shutil.rmtree(entry)

    def prune_objects(self, manifest: Manifest) -> int:
        """Remove bytes that no key of the backup has; returns how many files.

        A sixteenth of all at a time, so that memory stays small with any number of objects.
        """
        removed = 0
        for digit in "0123456789abcdef":
            named = {
                bytes.fromhex(found.sha256)
                for found in self.stored(manifest)
                if found.sha256[0] == digit
            }
            for path in self.path.glob(f"{OBJECTS}/{digit}[0-9a-f]/*"):
                if SHA256.fullmatch(path.name) and bytes.fromhex(path.name) not in named:
                    path.unlink()
                    removed += 1
        return removed


def files_of(run: Path) -> dict[str, File]:
    """The files of a run by their path within it, read again from the disk."""
    return {
        str(path.relative_to(run)): File(path.stat().st_size, digest(path))
        for path in sorted(run.rglob("*"))
        if path.is_file()
    }


def digest(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_private(path: Path, text: str) -> None:
    """A new file that nobody else may read."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def _lock(file: int, kind: int, path: Path) -> None:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Unusable(
            f"{path} is in use: a backup is being made, checked or restored there, or a pg_dump"
            " of one that was broken off is still coming to its end."
        ) from None
