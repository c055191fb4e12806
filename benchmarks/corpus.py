"""A corpus on disk: images, tags and links as CSV, and queries with their exact answers.

| file | columns |
|---|---|
| `images.csv` | id, filename, size, created (epoch seconds), uploaded (empty: never) |
| `tags.csv` | id, name |
| `image_tags.csv` | image id, tag id |
| `queries.json` | queries of each kind, newest images first, each with the total that it has |
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

DAY = 86_400


@dataclass(frozen=True)
class Question:
    """One search: all of some tags or one prefix of tags, perhaps in a window, and a page of it."""

    total: int
    tags: tuple[str, ...] = ()
    prefix: str = ""
    # Epoch seconds, half open.
    created_from: int | None = None
    created_to: int | None = None
    offset: int = 0
    limit: int = 100

    @property
    def length(self) -> int:
        """How many records the page has."""
        return max(0, min(self.limit, self.total - self.offset))


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

    @cached_property
    def size(self) -> int:
        """How many images."""
        return int(self._told["images"])

    @cached_property
    def kinds(self) -> dict[str, list[Question]]:
        """The queries by kind, pages that lie deeper than a hundred added."""
        kinds = {
            kind: [Question(**{**asked, "tags": tuple(asked["tags"])}) for asked in queries]
            for kind, queries in self._told["kinds"].items()
            if queries
        }
        return kinds | _far_pages(kinds.get("common_tag", []))

    @cached_property
    def _told(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads((self.folder / "queries.json").read_text())
        return told


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
