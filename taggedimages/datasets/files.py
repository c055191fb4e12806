"""The files of members: whether the store still has them as they were released."""

import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from typing import NamedTuple

from images import stock, storage
from images.models import Image
from images.storage import Content, StoredObject

# Reads of a file whose bytes come damaged.
READINGS = 2


class Wrong(Enum):
    """What is wrong with a file: it is not there, went with its image when nobody held it, or has
    other bytes."""

    MISSING = "missing"
    CHANGED = "changed"
    GONE = "gone"


class File(NamedTuple):
    """A member's file as it was released: 64 hexadecimal digits of its SHA-256, and its bytes."""

    image_id: int
    sha256: str
    bytes: int


class _Known(NamedTuple):
    """What is known of it now."""

    key: str
    sha256: str | None
    md5: str | None
    is_deleted: bool


def wrong(released: Sequence[File], *, deep: bool, at_once: int) -> dict[int, Wrong]:
    """What is wrong with each of these files of which anything is, by the ids of their images.

    The store is asked for size and entity tag, and where `deep` for the bytes; `at_once` requests
    at a time. Raises storage.StorageUnavailable.
    """
    known = _known(file.image_id for file in released)
    expected = {known[file.image_id].key: file for file in released if file.image_id in known}

    def is_right(key: str, found: StoredObject) -> bool:
        file = expected[key]
        return _is_same(file, known[file.image_id], found)

    stored = stock.stored(expected, at_once, is_right)
    found: dict[int, Wrong] = {}
    for file in released:
        here = known.get(file.image_id)
        there = stored[here.key] if here else None
        if there is None or here is None:
            went = here is None or here.is_deleted
            found[file.image_id] = Wrong.GONE if went else Wrong.MISSING
        elif not _is_same(file, here, there):
            found[file.image_id] = Wrong.CHANGED
    if deep:
        left = [(key, file) for key, file in expected.items() if file.image_id not in found]
        with ThreadPoolExecutor(at_once) as threads:
            found |= {
                file.image_id: Wrong.CHANGED
                for (_, file), same in zip(left, threads.map(_has_bytes, left), strict=True)
                if not same
            }
    return found


def _known(image_ids: Iterable[int]) -> dict[int, _Known]:
    images = Image.objects.filter(pk__in=list(image_ids)).values_list(
        "pk", "key", "facts__sha256", "facts__md5", "deleted_at"
    )
    return {
        image_id: _Known(key, _hex(sha256), _hex(md5), deleted_at is not None)
        for image_id, key, sha256, md5, deleted_at in images
    }


def _hex(digest: "bytes | memoryview[int] | None") -> str | None:
    return bytes(digest).hex() if digest else None


def _is_same(file: File, known: _Known, stored: StoredObject) -> bool:
    """Whether nothing that is known speaks against it that these are the bytes."""
    if stored.size != file.bytes or known.sha256 not in (None, file.sha256):
        return False
    # What was inspected had both this SHA-256 and this MD5.
    return known.sha256 is None or None in (stored.md5, known.md5) or stored.md5 == known.md5


def _has_bytes(asked: tuple[str, File]) -> bool:
    """Whether what is stored under a key is a file, byte by byte."""
    key, file = asked
    for reading in range(READINGS):
        with tempfile.TemporaryFile() as kept:
            content = Content(kept)
            try:
                is_there = storage.download(key, content)
            except storage.Damaged:
                # Perhaps on its way alone.
                if reading + 1 == READINGS:
                    return False
                continue
            return is_there and content.sha256.hexdigest() == file.sha256
    return False
