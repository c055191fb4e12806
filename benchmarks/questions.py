"""Draws the questions that are about more than tags, or put at other doors, for a corpus.

They are drawn from the corpus's files by a generator of their own, so that a corpus that was made
before them gets the same as a new one.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import chain, combinations
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.contents import Contents, Numbers
from benchmarks.corpus import (
    ATMOSPHERE,
    ATMOSPHERE_LINKS,
    DAY,
    IMS,
    IMS_TAGS,
    LATER,
    SHARINPIX,
    Corpus,
    Question,
)

# Of a kind, and of its later pages.
EACH, LATER_EACH = 100, 40
COMMON = 40
# Facets, and words, are asked of fewer: each takes long today.
FEW = 20
LINKS_A_PAGE, ROWS_OF_SHARINPIX = 100, 1_000
ORDERS = ("largest", "uploaded", "filename")
# Of the kinds by tags, those of which there are later pages besides.
PAGED = {"common_tag", "and2", "and3", "prefix", "tag_date", "first_page"}
SEARCH = "Atmosphere: search"
FORMATS = ("png", "jpeg", "webp", "dicom")

T = TypeVar("T")
Drawn = dict[str, list[Question]]


def write(corpus: Corpus) -> Path:
    """Write them beside the corpus's other files; which file that is."""
    contents = Contents.read(corpus)
    drawing = Drawing(contents, np.random.default_rng([corpus.seed, corpus.size, 3]))
    told = {
        kind: [contents.answered(asked).as_dict() for asked in questions]
        for kind, questions in drawing.kinds(corpus.kinds).items()
    }
    kinds = {kind: questions for kind, questions in told.items() if questions}
    corpus.questions.write_text(json.dumps(kinds))
    return corpus.questions


class Drawing:
    """Draws from one corpus."""

    def __init__(self, contents: Contents, rng: np.random.Generator) -> None:
        self.contents = contents
        self.rng = rng
        uses = contents.links.uses
        by_use = [int(tag) for tag in np.argsort(-uses, kind="stable") if uses[tag]]
        self.common = [contents.names[tag] for tag in by_use[:COMMON]]
        self.often = [contents.names[tag] for tag in by_use[: 5 * COMMON]]
        created = contents.images["created"]
        self.first, self.last = int(created.min()), int(created.max())

    def kinds(self, by_tags: Drawn) -> Drawn:
        """All kinds, with later pages of them and of those by tags that there were before."""
        found = self.of_tags() | self.of_windows() | self.of_facets()
        if self.contents.facts["id"].any():
            found |= self.of_fields()
        earlier = {kind: asked for kind, asked in by_tags.items() if kind in PAGED}
        at_doors = self.of_atmosphere()
        paged = earlier | found | {SEARCH: at_doors[SEARCH]}
        later = {kind + LATER: self.later(asked) for kind, asked in paged.items()}
        return found | at_doors | self.of_projects() | later

    def of_tags(self) -> Drawn:
        """Tags, and orders of what they find."""
        orders = {
            f"{order} of a tag": [
                replace(Question(0, (tag,)), order=order) for tag in self.often[:EACH]
            ]
            for order in ORDERS
        }
        couples = list(combinations(self.common, 2))
        return {
            "untagged": [Question(0, untagged=True)],
            "any_tags": [Question(0, any_tags=two) for two in self.some(couples)],
            "tag and not": [
                Question(0, (wanted,), not_tags=(other,)) for wanted, other in self.some(couples)
            ],
            **orders,
        }

    def of_windows(self) -> Drawn:
        """Times alone, and with what else is asked."""
        return {
            "window": [self.within(Question(0)) for _ in range(EACH)],
            "upload window": [
                replace(
                    asked,
                    created_from=None,
                    created_to=None,
                    uploaded_from=asked.created_from,
                    uploaded_to=asked.created_to,
                )
                for asked in (self.within(Question(0)) for _ in range(EACH))
            ],
            "two tags in a window": [
                self.within(Question(0, two))
                for two in self.some(list(combinations(self.common, 2)))
            ],
            "untagged in a window": [self.within(Question(0, untagged=True)) for _ in range(EACH)],
        }

    def of_facets(self) -> Drawn:
        """The most frequent tags of what is found, beside a page of it."""
        couples = self.some(list(combinations(self.common, 2)), FEW)
        return {
            "facets of a tag": [Question(0, (tag,), facets=()) for tag in self.common[:FEW]],
            "facets of all": [Question(0, facets=())],
            "facets of two tags": [Question(0, two, facets=()) for two in couples],
            "facets in a window": [self.within(Question(0, facets=())) for _ in range(FEW)],
        }

    def of_fields(self) -> Drawn:
        """What inspection found, sizes and filenames."""
        facts = self.contents.facts
        modalities = _values(facts["modality"])
        body_parts = _values(facts["body_part"])
        letters = [chr(code) for code in np.unique(self.contents.characters) if code > ord(" ")]
        return {
            "format": [Question(0, formats=some) for some in self.some(_subsets(FORMATS))],
            "format and tag": [
                Question(0, (tag,), formats=(of,))
                for tag, of in self.some([(tag, of) for tag in self.common for of in FORMATS])
            ],
            "modality": [Question(0, modalities=some) for some in self.some(_subsets(modalities))],
            "body part": [Question(0, body_parts=some) for some in self.some(_subsets(body_parts))],
            "width": [Question(0, bounds=self.bounds("width")) for _ in range(EACH)],
            "width and height": [
                Question(0, bounds=self.bounds("width", "height")) for _ in range(EACH)
            ],
            "tag with width and size": [
                Question(0, (tag,), bounds=self.bounds("width", "size"))
                for tag in self.rng.choice(self.common, EACH).tolist()
            ],
            "filename": [Question(0, filename=letter) for letter in letters],
        }

    def of_atmosphere(self) -> Drawn:
        """Words, pages in the middle of all links, and the newest images."""
        pages = len(self.contents.pairs) // LINKS_A_PAGE
        middle = pages * 2 // 5 + self.rng.permutation(max(1, pages // 5))[:FEW]
        listed = range(min(FEW, len(self.contents.images) // 100))
        return {
            SEARCH: [
                Question(0, any_tags=self.holding(tag), door=ATMOSPHERE, word=tag)
                for tag in self.common[:FEW]
            ],
            "Atmosphere: links": [
                Question(0, offset=int(page) * LINKS_A_PAGE, door=ATMOSPHERE_LINKS)
                for page in middle
            ],
            "Atmosphere: images": [
                Question(0, offset=page * 100, door=ATMOSPHERE) for page in listed
            ],
        }

    def of_projects(self) -> Drawn:
        """What is asked of one project, where it is alone and where it is one of two."""
        found: Drawn = {}
        for projects, told in ((1, ""), (2, " of two projects")):
            found |= {
                f"SharinPix: search{told}": [
                    Question(
                        0,
                        any_tags=self.holding(tag, part=True),
                        limit=ROWS_OF_SHARINPIX,
                        door=SHARINPIX,
                        word=tag,
                        projects=projects,
                    )
                    for tag in self.common[:FEW]
                ],
                f"IMS: tags{told}": [Question(0, door=IMS_TAGS, projects=projects)],
                f"IMS: images of a tag{told}": [
                    Question(0, (tag,), door=IMS, projects=projects) for tag in self.common
                ],
            }
        return found

    def holding(self, text: str, *, part: bool = False) -> tuple[str, ...]:
        """The names with a text in them; with `part`, as a whole or between `_`."""
        names = self.contents.names
        if part:
            return tuple(name for name in names if text == name or text in name.split("_"))
        return tuple(name for name in names if text in name)

    def within(self, asked: Question) -> Question:
        """The same within some days."""
        days = int(self.rng.choice([7, 30, 90, 180]))
        most = max(1, (self.last - self.first) // DAY - days)
        first = self.first + int(self.rng.integers(most)) * DAY
        return replace(asked, created_from=first, created_to=first + days * DAY)

    def bounds(self, *of: str) -> tuple[tuple[str, int], ...]:
        """At least so much of each, or at most: about as one in ten to nine in ten have."""
        found = []
        for name in of:
            numbers = self.sorted_numbers(name)
            place = int(self.rng.uniform(0.1, 0.9) * len(numbers))
            some = int(numbers[place] + self.rng.integers(-9, 10))
            found.append((f"{self.rng.choice(['min', 'min', 'max'])}_{name}", max(1, some)))
        return tuple(found)

    @cache  # noqa: B019  # as long as the drawing
    def sorted_numbers(self, name: str) -> Numbers:
        """All there are of widths, heights or sizes."""
        facts, images = self.contents.facts, self.contents.images
        return np.sort(images[name] if name == "size" else facts[name][facts["id"] > 0])

    def later(self, questions: list[Question]) -> list[Question]:
        """Pages 2 to 10 of some of these, of those that they have."""
        every = dict.fromkeys(
            replace(asked, offset=asked.offset + page * asked.limit)
            for asked in questions
            for page in range(1, 10)
        )
        most = FEW if questions[0].facets is not None else LATER_EACH
        drawn = self.some(list(every), 4 * most)
        answered = (asked for asked in drawn if self.reaches(asked))
        return [asked for asked, _ in zip(answered, range(most), strict=False)]

    def reaches(self, asked: Question) -> bool:
        """Whether it has this page."""
        return asked.offset < int(self.contents.found(asked).sum())

    def some(self, items: Sequence[T], most: int = EACH) -> list[T]:
        """Some of them, in any order."""
        return [items[at] for at in self.rng.permutation(len(items))[:most]]


def _values(column: NDArray[Any]) -> tuple[str, ...]:
    return tuple(value.decode() for value in np.unique(column).tolist() if value)


def _subsets(values: tuple[str, ...]) -> list[tuple[str, ...]]:
    sizes = range(1, len(values) + 1)
    return list(chain.from_iterable(combinations(values, size) for size in sizes))
