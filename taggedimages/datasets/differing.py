"""What is different between two releases of a data set, member by member."""

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

import orjson

from images.visibility import Viewer
from taggedimages.datasets import chunks
from taggedimages.datasets.listing import PRIVATE, id_in
from taggedimages.datasets.models import Chunk, Release
from taggedimages.datasets.withholding import open_files

BATCH = 2_000
# Ids of each kind, and names of tags, that are told with their counts.
MAX_SAMPLE = 100
# Keys of a line that are of the file and not of what is said about it.
OF_FILE = ("bytes", "format", "height", "sha256", "uuid", "width")


class Difference(NamedTuple):
    """A member that is in one of two releases alone, or not the same in both.

    `before` and `after` are its lines, None where it is no member. A withheld one has neither, and
    `withheld` is why.
    """

    image: int
    kind: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    withheld: str | None = None

    @property
    def keys(self) -> list[str]:
        """Which keys are not the same, `file` in place of those that tell of the file."""
        if not (self.before and self.after):
            return []
        changed = [name for name in self.after if self.before.get(name) != self.after[name]]
        return sorted({"file" if name in OF_FILE else name for name in changed})


@dataclass
class Summary:
    """How many differences of each kind there are, the first of them, and what changed."""

    counts: Counter[str] = field(default_factory=Counter)
    samples: dict[str, list[int]] = field(default_factory=dict)
    keys: Counter[str] = field(default_factory=Counter)
    tags_added: Counter[str] = field(default_factory=Counter)
    tags_removed: Counter[str] = field(default_factory=Counter)
    withheld: int = 0

    def add(self, one: Difference) -> None:
        """Count a difference."""
        if one.withheld:
            self.withheld += 1
            return
        self.counts[one.kind] += 1
        sample = self.samples.setdefault(one.kind, [])
        if len(sample) < MAX_SAMPLE:
            sample.append(one.image)
        self.keys.update(one.keys)
        if one.before and one.after:
            before, after = set(one.before["tags"]), set(one.after["tags"])
            self.tags_added.update(after - before)
            self.tags_removed.update(before - after)

    def most_changed_tags(self) -> list[str]:
        """The tags that came to or went from most members, equal ones by name."""
        both = self.tags_added + self.tags_removed
        return sorted(both, key=lambda tag: (-both[tag], tag))[:MAX_SAMPLE]


def summary(before: Release, after: Release, viewer: Viewer) -> Summary:
    """All differences that a viewer may be told of, counted."""
    told = Summary()
    for one in differences(before, after, viewer):
        told.add(one)
    return told


def differences(before: Release, after: Release, viewer: Viewer) -> Iterator[Difference]:
    """All differences by the ids of their members. Of those that are withheld from the viewer
    nothing is told but that there is one."""
    found = _lines(before, after)
    while batch := list(islice(found, BATCH)):
        seen = open_files([image for image, _, _ in batch], viewer)
        for image, old, new in batch:
            yield _difference(image, old, new, is_open=image in seen)


def _difference(image: int, old: bytes | None, new: bytes | None, *, is_open: bool) -> Difference:
    kind = "added" if old is None else "removed" if new is None else "changed"
    lines = [None if line is None else orjson.loads(line) for line in (old, new)]
    erased = next((line["withheld"] for line in lines if line and "withheld" in line), None)
    if withheld := erased or (None if is_open else PRIVATE):
        return Difference(image, kind, None, None, withheld)
    return Difference(image, kind, *lines)


def _lines(before: Release, after: Release) -> Iterator[tuple[int, bytes | None, bytes | None]]:
    """Ids and lines that are not the same in both, by their ids.

    Chunks are read in the order of their ids, and lines kept until the other release is as far:
    some tens of thousands, whatever the releases hold.
    """
    old, new = _Side(before), _Side(after)
    while old.ahead or new.ahead:
        if old.ahead and new.ahead and old.ahead[-1].digest == new.ahead[-1].digest:
            old.skip()
            new.skip()
        elif old.next_last <= new.next_last:
            old.take(new)
        else:
            new.take(old)
        yield from _settled(old, new, min(old.reached, new.reached))


def _settled(
    old: "_Side", new: "_Side", reached: int
) -> Iterator[tuple[int, bytes | None, bytes | None]]:
    images = old.unmatched.keys() | new.unmatched.keys()
    for image in sorted(image for image in images if image <= reached):
        yield image, old.unmatched.pop(image, None), new.unmatched.pop(image, None)


class _Next(NamedTuple):
    number: int
    last: int
    digest: bytes


class _Side:
    """One of two releases, as far as it was read: lines by id that the other does not have."""

    def __init__(self, release: Release) -> None:
        self.release = release
        rows = Chunk.objects.filter(release=release).order_by("-number")
        self.ahead = [
            _Next(number, last, bytes(digest))
            for number, last, digest in rows.values_list("number", "last_image", "digest")
        ]
        self.unmatched: dict[int, bytes] = {}
        self.reached = 0 if self.ahead else sys.maxsize

    @property
    def next_last(self) -> int:
        """The last id of the next chunk."""
        return self.ahead[-1].last if self.ahead else sys.maxsize

    def skip(self) -> None:
        """Pass over the next chunk."""
        last = self.ahead.pop().last
        self.reached = last if self.ahead else sys.maxsize

    def take(self, other: "_Side") -> None:
        """Read the next chunk, and leave what both have."""
        chunk = Chunk.objects.defer("leaves").get(pk=(self.release.pk, self.ahead[-1].number))
        for line in chunks.lines_in(chunk):
            image = id_in(line)
            if other.unmatched.get(image) == line:
                del other.unmatched[image]
            else:
                self.unmatched[image] = line
        self.skip()
