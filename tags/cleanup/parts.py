"""Finding names that may go together without comparing each with each: by keys that they share.

The vocabulary is cut into parts by the first letter of its names, which twins have in common, so
that the keys of a million names are never in memory at once. Whether names that share a key do go
together, `tags.cleanup.twins` says of each pair.

Trigrams (pg_trgm) are of no help here: words of five letters with two swapped have a third of them
in common, and what has a third in common with a name is looked for in half the index.
"""

from array import array
from collections.abc import Iterable, Iterator
from itertools import combinations

import numpy as np

from tags.cleanup.opposites import MAY_EXCLUDE, opposites
from tags.cleanup.plurals import singular_names
from tags.cleanup.slips import traces
from tags.cleanup.words import words
from tags.names import folded

# Tags of one part, of which each has some fifteen keys of sixteen bytes.
TAGS_PER_PART = 100_000
# Of more names with one key, each is compared with so many that come after it.
NEIGHBOURS = 40
# Of more pairs in one part, some are met again; each takes sixteen bytes.
PAIRS_AT_ONCE = 1_000_000


def parts_of(tags: int) -> int:
    """Into how many parts a vocabulary of so many tags is cut."""
    return min(64, 1 + tags // TAGS_PER_PART)


class Part:
    """The keys of one part of the vocabulary."""

    def __init__(self, number: int, of: int) -> None:
        self.number, self.of = number, of
        self.keys, self.tags = array("q"), array("q")

    def add(self, tags: Iterable[tuple[int, str]]) -> None:
        """Take in some tags, by id and name, as far as they are of this part."""
        for tag, name in tags:
            text = folded(name)
            # What most names begin with stays as it is: those of other parts are soon passed over.
            is_plain = text[0].isascii() and text[0].isalnum()
            if is_plain and not self._has(text) and not MAY_EXCLUDE.search(text):
                continue
            if parts := words(name):
                self._add_name(tag, parts)

    def _add_name(self, tag: int, parts: tuple[str, ...]) -> None:
        for excluded in opposites(parts):
            self._add(tag, "".join(excluded))
        if not self._has(parts[0]):
            return
        self._add(tag, "".join(parts))
        for singular in singular_names(parts):
            self._add(tag, "".join(singular))
        for trace in traces(parts):
            self._add(tag, "\0".join(trace), "\0")

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Pairs of tags that share a key, the lower id first, each once."""
        found = array("q")
        for run in self._runs():
            for pair in _combined(run):
                found.extend(pair)
            if len(found) > 2 * PAIRS_AT_ONCE:
                yield from _distinct(found)
                found = array("q")
        yield from _distinct(found)

    def _runs(self) -> Iterator[list[int]]:
        """Tags that have a key in common, two or more; in order."""
        keys = np.frombuffer(self.keys, dtype=np.int64)
        tags = np.frombuffer(self.tags, dtype=np.int64)
        order = np.argsort(keys, kind="stable")
        keys, tags = keys[order], tags[order]
        same = np.flatnonzero(keys[1:] == keys[:-1])
        # Where a run of equal keys begins and ends.
        breaks = np.flatnonzero(np.diff(same) > 1)
        begins = same[np.concatenate(([0], breaks + 1))] if len(same) else same
        ends = same[np.concatenate((breaks, [len(same) - 1]))] + 2 if len(same) else same
        for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
            yield sorted(set(tags[begin:end].tolist()))

    def _has(self, text: str) -> bool:
        return ord(text[0]) % self.of == self.number

    def _add(self, tag: int, text: str, namespace: str = "") -> None:
        if self._has(text):
            self.keys.append(hash(text + namespace))
            self.tags.append(tag)


def _combined(tags: list[int]) -> Iterator[tuple[int, int]]:
    if len(tags) <= NEIGHBOURS:
        yield from combinations(tags, 2)
        return
    for place, tag in enumerate(tags):
        for other in tags[place + 1 : place + 1 + NEIGHBOURS]:
            yield tag, other


def _distinct(pairs: "array[int]") -> Iterator[tuple[int, int]]:
    if pairs:
        every = np.frombuffer(pairs, dtype=np.int64).reshape(-1, 2)
        yield from map(tuple, np.unique(every, axis=0).tolist())
