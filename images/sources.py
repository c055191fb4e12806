"""Where existing files come from: a folder, our own bucket, or another one of the same store.

What lies in our own bucket is registered where it is. All else is brought under a key that is
derived from where it was, so that bringing it again finds that it is there.
"""

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from django.conf import settings

from images import keys, storage
from images.storage import StoredObject


class NoSource(Exception):
    """There is nothing of that name to import from."""


@dataclass(frozen=True)
class Found:
    """A file: its path within the source, bytes, when it was last written."""

    path: str
    size: int
    modified_at: datetime
    etag: str = ""


class Source(Protocol):
    """Files that can be listed, looked up one by one, and brought into our bucket."""

    # Whether they are in our bucket already, and stay where they are.
    stays: bool

    def everything(self) -> Iterator[Found]: ...

    def look(self, path: str) -> Found | None: ...

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

    def everything(self) -> Iterator[Found]:
        for folder, folders, files in os.walk(self.root):
            folders.sort()
            for name in sorted(files):
                path = (Path(folder) / name).relative_to(self.root).as_posix()
                if found := self.look(path):
                    yield found

    def look(self, path: str) -> Found | None:
        file = (self.root / path).resolve()
        if not file.is_relative_to(self.root) or not file.is_file():
            return None
        about = file.stat()
        return Found(path, about.st_size, datetime.fromtimestamp(about.st_mtime, UTC))

    def key(self, path: str) -> str:
        return _derived_key(f"{self.root.as_uri()}/{path}", path)

    def bring(self, found: Found) -> bool:
        storage.put_file(self.key(found.path), self.root / found.path)
        return True


class OwnBucket:
    """Objects of our own bucket, which stay where they are."""

    stays = True

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def everything(self) -> Iterator[Found]:
        for key, seen in storage.objects(self.prefix):
            if not key.endswith("/") and not key.startswith(keys.PREVIEWS):
                yield _found(key.removeprefix(self.prefix), seen)

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

    def everything(self) -> Iterator[Found]:
        for key, seen in storage.objects(self.prefix, self.bucket):
            if not key.endswith("/"):
                yield _found(key.removeprefix(self.prefix), seen)

    def look(self, path: str) -> Found | None:
        seen = storage.head(self.prefix + path, self.bucket)
        return _found(path, seen) if seen else None

    def key(self, path: str) -> str:
        return _derived_key(f"s3://{self.bucket}/{self.prefix}{path}", path)

    def bring(self, found: Found) -> bool:
        seen = StoredObject(found.size, found.etag, found.modified_at)
        copied = storage.copy(self.prefix + found.path, self.key(found.path), seen, self.bucket)
        return copied is not None


def _found(path: str, seen: StoredObject) -> Found:
    return Found(path, seen.size, seen.modified_at, seen.etag)


def _derived_key(origin: str, path: str) -> str:
    filename = keys.safe_name(path.rpartition("/")[2])
    return keys.archived(f"imports/{uuid.uuid5(uuid.NAMESPACE_URL, origin)}/{filename}")
