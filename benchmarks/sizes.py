"""What each table takes for each thing that it grows with, and what it would take for so many."""

from dataclasses import dataclass
from typing import Any

from django.db import connection

# What tables grow with; all others are small, or grow with what people do.
IMAGES, LINKS, LINES = "images", "links", "lines of the ledger"
GROWS_WITH = {
    "images_image": IMAGES,
    "images_facts": IMAGES,
    "search_bitmap": IMAGES,
    "tags_imagetag": LINKS,
    "tags_tagchange": LINES,
}
COUNTS = {
    IMAGES: "SELECT count(*) FROM images_image",
    LINKS: "SELECT count(*) FROM tags_imagetag",
    LINES: "SELECT count(*) FROM tags_tagchange",
}
SIZES = """
SELECT relname, pg_table_size(oid), pg_indexes_size(oid) FROM pg_class
WHERE relname = ANY(%s) AND relnamespace = 'public'::regnamespace
"""


@dataclass(frozen=True)
class Asked:
    """A corpus to tell the size of."""

    images: int
    links_per_image: float
    lines_per_link: float

    @property
    def counts(self) -> dict[str, float]:
        """How many there would be of what tables grow with."""
        links = self.images * self.links_per_image
        return {IMAGES: self.images, LINKS: links, LINES: links * self.lines_per_link}


def measure(asked: Asked) -> dict[str, Any]:
    """Bytes of each table for one of what it grows with, and in all for the corpus asked for.

    A table that is empty here is left out.
    """
    with connection.cursor() as cursor:
        counts = {}
        for what, statement in COUNTS.items():
            cursor.execute(statement)
            counts[what] = cursor.fetchone()[0]
        cursor.execute(SIZES, [list(GROWS_WITH)])
        tables = {name: (heap, indexes) for name, heap, indexes in cursor.fetchall()}
    found = {}
    for name, what in GROWS_WITH.items():
        heap, indexes = tables[name]
        if not counts[what]:
            continue
        found[name] = {
            "grows_with": what,
            "table": heap / counts[what],
            "indexes": indexes / counts[what],
            "bytes": (heap + indexes) / counts[what] * asked.counts[what],
        }
    return {"here": counts, "asked": asked.counts, "tables": found}
