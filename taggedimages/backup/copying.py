"""Brings the objects that records name from the bucket into a backup, if they are not there yet.

What was there before is believed by its size and by the entity tag that the store still tells,
unless every byte is to be read. What the store has lost or damaged stays in the backup, where an
earlier one had it as the record says: it may be the last copy.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

import orjson

from images import stock, storage
from images.storage import Content, StoredObject
from images.storage.quick import Read
from taggedimages.backup.contents import Named
from taggedimages.backup.folder import LIST, MISSING, Folder, Stored, digest

OBJECTS_AT_ONCE = 10_000
# Reads of an object whose bytes come damaged: most often they were on their way.
READINGS = 2


@dataclass(frozen=True)
class Found:
    """What became of one object: how it is in the backup now, and what is wrong with the"
    " bucket's."""

    stored: Stored | None = None
    wrong: str = ""
    is_new: bool = False


@dataclass
class Copied:
    """What came of it: objects and bytes of the backup, what of them was copied now, what is in the
    backup and no longer in the bucket, and what is in neither."""

    objects: int = 0
    bytes: int = 0
    new_objects: int = 0
    new_bytes: int = 0
    kept: int = 0
    missing: int = 0

    def count(self, found: Found) -> None:
        """One object more."""
        if found.stored is None:
            self.missing += bool(found.wrong)
            return
        self.objects += 1
        self.bytes += found.stored.bytes
        self.new_objects += found.is_new
        self.new_bytes += found.stored.bytes if found.is_new else 0
        self.kept += bool(found.wrong)


class Earlier:
    """The objects of an earlier backup, looked up in order of the bytes of their keys."""

    def __init__(self, stored: Iterator[Stored]) -> None:
        self._stored = stored
        self._next = next(stored, None)

    def find(self, key: str) -> Stored | None:
        """What it had under a key, which comes after those that were asked for before."""
        wanted = key.encode()
        while self._next and self._next.key.encode() < wanted:
            self._next = next(self._stored, None)
        return self._next if self._next and self._next.key == key else None


class Copying:
    """One run through all objects; `deep` reads again what is there."""

    def __init__(self, folder: Folder, at_once: int, *, deep: bool) -> None:
        self.folder, self.at_once, self.deep = folder, at_once, deep

    def run(
        self,
        named: Iterable[Named],
        earlier: Earlier,
        run: Path,
        tell: Callable[[int], object],
        warn: Callable[[str], object],
    ) -> Copied:
        """Copy them, and write their list into the folder of the run.

        `tell` is called with how many more are done, `warn` with each fault. Raises
        storage.StorageUnavailable.
        """
        copied, left = Copied(), iter(named)
        with ExitStack() as stack:
            threads = stack.enter_context(ThreadPoolExecutor(self.at_once))
            lines = stack.enter_context((run / LIST).open("wb"))
            missing = stack.enter_context((run / MISSING).open("wb"))
            while batch := list(islice(left, OBJECTS_AT_ONCE)):
                seen = stock.stored((one.key for one in batch), self.at_once)
                now = [seen[one.key] for one in batch]
                before = [earlier.find(one.key) for one in batch]
                with storage.quick_reads(self.at_once) as read:
                    look_after = partial(self._look_after, read)
                    found = threads.map(look_after, batch, now, before)
                    for one, outcome in zip(batch, found, strict=True):
                        tell(1)
                        copied.count(outcome)
                        if outcome.wrong:
                            warn(f"{one.key} {outcome.wrong}")
                        if outcome.stored:
                            lines.write(outcome.stored.line)
                        elif outcome.wrong:
                            fault = {"key": one.key, "why": outcome.wrong}
                            missing.write(orjson.dumps(fault) + b"\n")
        return copied

    def _look_after(
        self, read: Read, named: Named, seen: StoredObject | None, before: Stored | None
    ) -> Found:
        if before and not (_fits(named, before) and self._is_here(before.sha256, before.bytes)):
            before = None
        source = named.key
        if seen is None and not (named.is_needed or named.is_preview):
            source = named.moved
            seen = storage.head(source)
        if seen is None:
            return _without(named, before, "is not in the bucket")
        if before and (before.bytes, before.etag) == (seen.size, seen.etag):
            return Found(before)
        if known := self._known(named, seen):
            return Found(known)
        if seen.size <= storage.QUICK_BYTES and (body := read(source)) is not None:
            got = Stored(named.key, len(body), sha256(body).hexdigest(), seen.etag)
            if _fits(named, got):
                with self._new_file() as file:
                    file.write(body)
                self._keep(Path(file.name), got.sha256)
                return Found(got, is_new=True)
        return self._fetch(named, source, seen, before)

    def _known(self, named: Named, seen: StoredObject) -> Stored | None:
        """What a run that was broken off has copied, if that is what the bucket has."""
        if named.sha256 is None or seen.md5 is None or seen.md5 != named.md5:
            return None
        if not self._is_here(named.sha256, seen.size):
            return None
        return Stored(named.key, seen.size, named.sha256, seen.etag)

    def _fetch(self, named: Named, source: str, seen: StoredObject, before: Stored | None) -> Found:
        for reading in range(READINGS):
            with self._new_file() as file:
                content = Content(file)
                try:
                    problem = "" if storage.download(source, content) else "is not in the bucket"
                except storage.Damaged as damage:
                    problem = f"is damaged: {damage}"
                got = Stored(named.key, content.size, content.sha256.hexdigest(), seen.etag)
                if problem and named.sha256 == got.sha256:
                    # The store's tag of parts may be of another kind.
                    problem = ""
                if not problem and not _fits(named, got):
                    problem = "has other bytes than its record says"
            if not problem:
                self._keep(Path(file.name), got.sha256)
                return Found(got, is_new=True)
            Path(file.name).unlink()
            if reading + 1 == READINGS:
                return _without(named, before, problem)
        raise AssertionError

    def _new_file(self) -> BinaryIO:
        """A file with a name, for bytes of which it is not known yet what they are."""
        file = tempfile.NamedTemporaryFile(dir=self.folder.new, delete=False)  # noqa: SIM115
        return cast(BinaryIO, file)

    def _keep(self, file: Path, name: str) -> None:
        path = self.folder.object_path(name)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        file.replace(path)

    def _is_here(self, sha256: str, size: int) -> bool:
        """Whether the backup has these bytes: so many, and every one where that is asked for."""
        path = self.folder.object_path(sha256)
        try:
            return path.stat().st_size == size and (not self.deep or digest(path) == sha256)
        except FileNotFoundError:
            return False


def _fits(named: Named, stored: Stored) -> bool:
    """Whether nothing that the record says speaks against these bytes."""
    if named.is_preview or not named.is_needed:
        return True
    return named.bytes == stored.bytes and named.sha256 in (None, stored.sha256)


def _without(named: Named, before: Stored | None, wrong: str) -> Found:
    """What is left of an object that the bucket does not have as it should."""
    return Found(before, wrong=wrong) if named.is_needed else Found()
