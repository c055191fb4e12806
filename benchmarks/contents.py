"""What a corpus holds, read from its files into arrays, and what each question finds in it.

Images have places, the newest first; what is said of them is in this order.
"""

import csv
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from os.path import splitext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.corpus import ATMOSPHERE_LINKS, IMS_TAGS, SHARINPIX, Corpus, Question

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]

IMAGE = [("id", "i8"), ("filename", "S48"), ("size", "i8"), ("created", "i8"), ("uploaded", "S12")]
FACTS = [
    ("id", "i8"), ("format", "S12"), ("width", "i8"), ("height", "i8"),
    ("modality", "S16"), ("body_part", "S16"),
]  # fmt: skip
LINK = [("image", "i8"), ("tag", "i8")]
# A search has so many facets at most.
FACETS = 100


@dataclass(frozen=True)
class Links:
    """Which images have a tag: those of tag t, ascending, from `starts[t]` to `starts[t + 1]`."""

    images: Numbers
    starts: Numbers

    def of(self, tag: int) -> Numbers:
        """The images with a tag."""
        return self.images[self.starts[tag] : self.starts[tag + 1]]

    @property
    def uses(self) -> Numbers:
        """On how many images each tag is."""
        return np.diff(self.starts)

    @classmethod
    def by_tag(cls, images: Numbers, tags: Numbers, count: int) -> "Links":
        """From pairs that are ordered by both, where there are so many tags but for id 0."""
        starts = np.searchsorted(np.sort(tags), np.arange(count + 2))
        return cls(images[np.argsort(tags, kind="stable")], starts)


@dataclass(frozen=True)
class Contents:
    """All of a corpus: arrays of one entry an image, and the links, by image and by tag."""

    images: NDArray[Any]
    facts: NDArray[Any]
    # By id, which begins at 1.
    names: list[str]
    pairs: NDArray[Any]
    links: Links
    # Of an image, by its id.
    places: Numbers

    @classmethod
    def read(cls, corpus: Corpus) -> "Contents":
        """From its files."""
        images = _rows(corpus.images, IMAGE)
        newest = np.lexsort((images["id"], images["created"]))[::-1]
        images = images[newest]
        places = np.zeros(images["id"].max(initial=0) + 1, np.int64)
        places[images["id"]] = np.arange(len(images))
        facts = np.zeros(len(images), FACTS)
        if corpus.facts.exists():
            told = _rows(corpus.facts, FACTS)
            facts[places[told["id"]]] = told
        with corpus.tags.open(newline="") as rows:
            names = ["", *(name for _, name in csv.reader(rows))]
        pairs = _rows(corpus.links, LINK)
        links = Links.by_tag(pairs["image"], pairs["tag"], len(names) - 1)
        return cls(images, facts, names, pairs, links, places)

    @cached_property
    def ids(self) -> dict[str, int]:
        """Of tags, by name."""
        return {name: tag for tag, name in enumerate(self.names)}

    @cached_property
    def uploaded(self) -> Numbers:
        """When each image got its file; 0: never."""
        told = self.images["uploaded"]
        return np.where(told == b"", b"0", told).astype(np.int64)

    @cached_property
    def is_tagged(self) -> Flags:
        flags = np.zeros(len(self.images), bool)
        flags[self.places[self.pairs["image"]]] = True
        return flags

    @cached_property
    def characters(self) -> NDArray[np.uint8]:
        """Of each filename, in lower case."""
        lower = np.char.lower(self.images["filename"])
        return lower.view(np.uint8).reshape(len(lower), -1)

    def having(self, tags: Iterable[str]) -> Flags:
        """The images with at least one of these tags."""
        flags = np.zeros(len(self.images), bool)
        for tag in tags:
            flags[self.places[self.links.of(self.ids[tag])]] = True
        return flags

    def found(self, asked: Question) -> Flags:
        """The images that a question finds."""
        found = np.ones(len(self.images), bool)
        for condition in self._conditions(asked):
            found &= condition
        return found

    def answered(self, asked: Question) -> Question:
        """The question with its total and what its page shows."""
        if asked.door == IMS_TAGS:
            return self._tags_answered(asked)
        if asked.door == ATMOSPHERE_LINKS:
            return self._links_answered(asked)
        found = self.found(asked)
        places = self._ordered(np.flatnonzero(found), asked.order)
        shown = self._filenames(places[asked.offset : asked.offset + asked.limit])
        if asked.door == SHARINPIX:
            shown = [splitext(name)[0] for name in shown]
        facets = asked.facets if asked.facets is None else self.facets(found)
        return replace(asked, total=len(places), digest=digest_of(shown), facets=facets)

    def _conditions(self, asked: Question) -> Iterable[Flags]:
        for tag in asked.tags:
            yield self.having([tag])
        if asked.any_tags:
            yield self.having(asked.any_tags)
        if asked.not_tags:
            yield ~self.having(asked.not_tags)
        if asked.prefix:
            yield self.having(name for name in self.names if name.startswith(asked.prefix))
        if asked.untagged:
            yield ~self.is_tagged
        times = (self.images["created"], asked.created_from, asked.created_to)
        for moments, first, last in (
            times,
            (self.uploaded, asked.uploaded_from, asked.uploaded_to),
        ):
            if first is not None and last is not None:
                yield (moments >= first) & (moments < last)
        for column, wanted in (
            ("format", asked.formats),
            ("modality", asked.modalities),
            ("body_part", asked.body_parts),
        ):
            if wanted:
                yield np.isin(self.facts[column], [value.encode() for value in wanted])
        for bound, number in asked.bounds:
            yield self._within(bound, number)
        if asked.filename:
            # One character: longer parts are not asked for.
            yield (self.characters == ord(asked.filename)).any(axis=1)
        if asked.projects == 2:
            yield self.images["id"] % 2 == 1

    def _within(self, bound: str, number: int) -> Flags:
        end, _, of = bound.partition("_")
        numbers = self.images[of] if of == "size" else self.facts[of]
        # 0 pixels: not known.
        reaches = numbers >= number if end == "min" else numbers <= number
        return reaches if of == "size" else reaches & (numbers > 0)

    def _ordered(self, places: Numbers, order: str) -> Numbers:
        if order == "newest":
            return places
        ids = self.images["id"][places]
        keys: dict[str, Callable[[], tuple[Any, ...]]] = {
            "oldest": lambda: (ids, self.images["created"][places]),
            "uploaded": lambda: (-ids, -self.uploaded[places]),
            "largest": lambda: (-ids, -self.images["size"][places]),
            "smallest": lambda: (ids, self.images["size"][places]),
            "filename": lambda: (ids, np.char.upper(self.images["filename"][places])),
        }
        return places[np.lexsort(keys[order]())]

    def _filenames(self, places: Numbers) -> list[str]:
        return [name.decode() for name in self.images["filename"][places].tolist()]

    def facets(self, found: Flags) -> tuple[tuple[str, int], ...]:
        """The most frequent tags of some images with their counts, equal ones by name."""
        of_found = self.pairs["tag"][found[self.places[self.pairs["image"]]]]
        counts = np.bincount(of_found, minlength=len(self.names)).tolist()
        # Any that is as frequent as the last one may come before it by its name.
        least = max(1, sorted(counts)[-FACETS:][0])
        some = ((self.names[tag], count) for tag, count in enumerate(counts) if count >= least)
        return tuple(sorted(some, key=lambda one: (-one[1], one[0]))[:FACETS])

    def _links_answered(self, asked: Question) -> Question:
        page = self.pairs[asked.offset : asked.offset + asked.limit]
        filenames = self._filenames(self.places[page["image"]])
        tags = [self.names[tag] for tag in page["tag"].tolist()]
        shown = [f"{filename} {tag}" for filename, tag in zip(filenames, tags, strict=True)]
        return replace(asked, total=len(self.pairs), digest=digest_of(shown))

    def _tags_answered(self, asked: Question) -> Question:
        found = self.found(asked)[self.places[self.pairs["image"]]]
        used = sorted(self.names[tag] for tag in np.unique(self.pairs["tag"][found]).tolist())
        return replace(asked, total=len(used), limit=len(used), digest=digest_of(used))


def digest_of(shown: Iterable[str]) -> int:
    """What a page shows, in this order, as a number."""
    return zlib.crc32("\n".join(shown).encode())


def _rows(path: Any, columns: list[tuple[str, str]]) -> NDArray[Any]:
    return np.atleast_1d(np.loadtxt(path, dtype=columns, delimiter=",", comments=None))
