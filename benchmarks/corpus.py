"""A corpus on disk: images, tags and links as CSV, and questions with their exact answers.

| file | columns |
|---|---|
| `images.csv` | id, filename, size, created (epoch seconds), uploaded (empty: never) |
| `tags.csv` | id, name |
| `image_tags.csv` | image id, tag id |
| `facts.csv` | image id, format, width, height; of DICOM also modality and body part |
| `queries.json` | searches by tags, by kind, newest images first, each with its total |
| `questions.json` | all other kinds, at every door, with totals and what each page shows |

Without `facts.csv`, each file is of the format that its name says, and of 4000 by 3000 pixels, and
nothing is asked about these. Without `questions.json`, `python -m benchmarks questions` makes it.
"""

import json
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

DAY = 86_400
# Where a question is put; benchmarks.doors has how.
V1, ATMOSPHERE, ATMOSPHERE_LINKS = "/v1", "Atmosphere", "Atmosphere's links"
SHARINPIX, IMS, IMS_TAGS = "SharinPix", "IMS", "IMS's tags"
LATER = " (pages 2 to 10)"


@dataclass(frozen=True)
class Question:
    """One search and a page of it: all conditions that are given hold."""

    total: int
    tags: tuple[str, ...] = ()
    # A tag that begins so.
    prefix: str = ""
    # Epoch seconds, half open.
    created_from: int | None = None
    created_to: int | None = None
    offset: int = 0
    limit: int = 100
    any_tags: tuple[str, ...] = ()
    not_tags: tuple[str, ...] = ()
    untagged: bool = False
    uploaded_from: int | None = None
    uploaded_to: int | None = None
    # One of these, where there are any; DICOM's in capitals.
    formats: tuple[str, ...] = ()
    modalities: tuple[str, ...] = ()
    body_parts: tuple[str, ...] = ()
    # By their names in /v1, such as min_width.
    bounds: tuple[tuple[str, int], ...] = ()
    # A part of it, in lower case.
    filename: str = ""
    order: str = "newest"
    # The most frequent tags of all that is found, with their counts; None: not asked for.
    facets: tuple[tuple[str, int], ...] | None = None
    door: str = V1
    # What is sent to a door that looks for words; `any_tags` are then those that have it.
    word: str = ""
    # Of how many projects the images are; None: asked whatever they are of. Images of the first
    # of two are those with odd ids.
    projects: int | None = None
    # Of what the page shows (benchmarks.contents.digest_of); None: not told.
    digest: int | None = field(default=None, compare=False)

    @property
    def length(self) -> int:
        """How many records the page has."""
        return max(0, min(self.limit, self.total - self.offset))

    @classmethod
    def told(cls, fields_told: dict[str, Any]) -> "Question":
        """From JSON, which may leave out what is as it is by default."""
        return cls(**{name: _frozen(value) for name, value in fields_told.items()})

    def as_dict(self) -> dict[str, Any]:
        """For JSON: all that is not as by default."""
        return {
            one.name: value
            for one in fields(self)
            if (value := getattr(self, one.name)) != one.default
        }


@dataclass(frozen=True)
class Corpus:
    """The files in one folder."""

    folder: Path

    @property
    def images(self) -> Path:
        return self.folder / "images.csv"

    @property
    def tags(self) -> Path:
        return self.folder / "tags.csv"

    @property
    def links(self) -> Path:
        return self.folder / "image_tags.csv"

    @property
    def facts(self) -> Path:
        return self.folder / "facts.csv"

    @property
    def questions(self) -> Path:
        return self.folder / "questions.json"

    @cached_property
    def size(self) -> int:
        """How many images."""
        return int(self._told["images"])

    @cached_property
    def seed(self) -> int:
        """What it was drawn from; 1 for a corpus that does not tell."""
        return int(self._told.get("seed", 1))

    @cached_property
    def kinds(self) -> dict[str, list[Question]]:
        """Searches by tags, by kind, pages that lie deeper than a hundred added."""
        kinds = _kinds(self._told["kinds"])
        return kinds | _far_pages(kinds.get("common_tag", []))

    @cached_property
    def further_kinds(self) -> dict[str, list[Question]]:
        """All other questions by kind; none where `questions.json` was not made."""
        if not self.questions.exists():
            return {}
        return _kinds(json.loads(self.questions.read_text()))

    @cached_property
    def _told(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads((self.folder / "queries.json").read_text())
        return told


def _kinds(told: dict[str, list[dict[str, Any]]]) -> dict[str, list[Question]]:
    return {kind: [Question.told(asked) for asked in some] for kind, some in told.items() if some}


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _far_pages(common: list[Question]) -> dict[str, list[Question]]:
    """Page 1 of the commonest tag, and 1,000 and 10,000 with some after them, if it has them."""
    if not common:
        return {}
    tag, total = common[0].tags, common[0].total
    pages = {"page 1": 0, "page 1,000": 999, "page 10,000": 9_999}
    if total < 1_019 * 100:
        return {}
    return {
        name: [Question(total, tag, offset=(first + more) * 100) for more in range(20)]
        for name, first in pages.items()
        if total >= (first + 20) * 100
    }
