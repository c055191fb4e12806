"""Where existing files come from: a folder, our own bucket, or another one of the same store.

What lies in our own bucket is registered where it is. All else is brought under a key that is
derived from where it was, so that bringing it again finds that it is there.
"""

import os
import posixpath
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from django.conf import settings

from images import file_names, keys, storage
from images.storage import StoredObject
from taggedimages.epochs import EPOCH


class NoSource(Exception):
    """There is nothing of that name to import from."""


@dataclass(frozen=True)
class Found:
    """A file: its path within the source, bytes, when it was last written."""

    path: str
    size: int
    modified_at: datetime
    etag: str = ""


@dataclass(frozen=True)
class PassedOver:
    """What is there and is no file to take: its path, and why."""

    path: str
    why: str
    # Of a kind that is among many people's pictures, and that nobody misses.
    is_usual: bool = True


class Source(Protocol):
    """Files that can be listed, looked up one by one, and brought into our bucket."""

    # Whether they are in our bucket already, and stay where they are.
    stays: bool

    def everything(self) -> Iterator[Found | PassedOver]: ...

    def path(self, given: str) -> str:
        """The one form of a path that may be written in several."""
        ...

    def look(self, path: str) -> Found | None:
        """A file; None where there is none. Raises OSError where it cannot be looked at."""
        ...

    def key(self, path: str) -> str: ...

    def bring(self, found: Found) -> bool:
        """Put a file under its key; False when it is gone or changed since it was seen."""
        ...


def source(location: str) -> Source:
    """The source of `s3://bucket/prefix` or of a folder's path. Raises NoSource."""
    if not location.startswith("s3://"):
        return Folder(location)
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    if not bucket:
        raise NoSource("s3:// needs the name of a bucket.")
    return OwnBucket(prefix) if bucket == settings.S3_BUCKET else OtherBucket(bucket, prefix)


class Folder:
    """Files below a folder of this machine. Links to folders are not followed."""

    stays = False

    def __init__(self, location: str) -> None:
        self.root = Path(location).resolve()
        if not self.root.is_dir():
            raise NoSource(f"{location} is no folder.")

    def everything(self) -> Iterator[Found | PassedOver]:
        closed: list[OSError] = []
        for folder, folders, files in os.walk(self.root, onerror=closed.append):
            yield from self._closed(closed)
            at = Path(folder).relative_to(self.root)
            within = []
            for path in ((at / name).as_posix() for name in sorted(folders)):
                if file_names.is_of_a_system(path):
                    yield PassedOver(path, "a system's own folder")
                elif (self.root / path).is_symlink():
                    yield PassedOver(path, "a link to a folder")
                else:
                    within.append(path.rpartition("/")[2])
            folders[:] = within
            for name in sorted(files):
                yield self._seen((at / name).as_posix())
        yield from self._closed(closed)

    def path(self, given: str) -> str:
        path = posixpath.normpath(given)
        if path.startswith("/"):
            return os.path.relpath(path, self.root)
        return path

    def look(self, path: str) -> Found | None:
        file = (self.root / path).resolve()
        if not file.is_relative_to(self.root) or not file.is_file():
            return None
        about = file.stat()
        try:
            written_at = EPOCH + timedelta(microseconds=about.st_mtime_ns // 1000)
        except OverflowError as error:
            raise OSError(0, "written at a time beyond the year 9999") from error
        return Found(path, about.st_size, written_at)

    def key(self, path: str) -> str:
        return _derived_key(f"{self.root.as_uri()}/{path}", path)

    def bring(self, found: Found) -> bool:
        storage.put_file(self.key(found.path), self.root / found.path)
        return True

    def _seen(self, path: str) -> Found | PassedOver:
        if over := _passed_over(path):
            return over
        try:
            return self.look(path) or PassedOver(path, "no file, or a link that leads elsewhere")
        except OSError as error:
            return PassedOver(path, unreadable(error), is_usual=False)

    def _closed(self, errors: list[OSError]) -> Iterator[PassedOver]:
        while errors:
            error = errors.pop()
            path = os.path.relpath(error.filename, self.root)
            yield PassedOver(path, unreadable(error), is_usual=False)


class OwnBucket:
    """Objects of our own bucket, which stay where they are."""

    stays = True

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def everything(self) -> Iterator[Found | PassedOver]:
        for key, seen in storage.objects(self.prefix):
            if not key.endswith("/") and not key.startswith(keys.PREVIEWS):
                path = key.removeprefix(self.prefix)
                yield _passed_over(path) or _found(path, seen)

    def path(self, given: str) -> str:
        return given

    def look(self, path: str) -> Found | None:
        seen = storage.head(self.key(path))
        return _found(path, seen) if seen else None

    def key(self, path: str) -> str:
        return self.prefix + path

    def bring(self, found: Found) -> bool:
        return True


class OtherBucket:
    """Objects of another bucket that our credentials may read, copied within the store."""

    stays = False

    def __init__(self, bucket: str, prefix: str) -> None:
        self.bucket, self.prefix = bucket, prefix

    def everything(self) -> Iterator[Found | PassedOver]:
        for key, seen in storage.objects(self.prefix, self.bucket):
            if not key.endswith("/"):
                path = key.removeprefix(self.prefix)
                yield _passed_over(path) or _found(path, seen)

    def path(self, given: str) -> str:
        return given

    def look(self, path: str) -> Found | None:
        seen = storage.head(self.prefix + path, self.bucket)
        return _found(path, seen) if seen else None

    def key(self, path: str) -> str:
        return _derived_key(f"s3://{self.bucket}/{self.prefix}{path}", path)

    def bring(self, found: Found) -> bool:
        seen = StoredObject(found.size, found.etag, found.modified_at)
        copied = storage.copy(self.prefix + found.path, self.key(found.path), seen, self.bucket)
        return copied is not None


def unreadable(error: OSError) -> str:
    """Why a file or folder could not be read."""
    return f"cannot be read: {error.strerror or error}"


def _passed_over(path: str) -> PassedOver | None:
    if file_names.is_of_a_system(path):
        return PassedOver(path, "a system's own file")
    return PassedOver(path, "notes beside a picture") if file_names.is_side_car(path) else None


def _found(path: str, seen: StoredObject) -> Found:
    return Found(path, seen.size, seen.modified_at, seen.etag)


def _derived_key(origin: str, path: str) -> str:
    filename = keys.safe_name(path.rpartition("/")[2])
    return keys.archived(f"imports/{uuid.uuid5(uuid.NAMESPACE_URL, origin)}/{filename}")
