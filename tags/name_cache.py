"""The names of many tags by id, kept in memory for as long as no tag is renamed.

A page of a hundred images shows a thousand tags, and asking for their names takes longer than
finding the images. Names have a version (TagNamesVersion), which changes in the very transaction
of a rename: names that were read at one version are right wherever that is read.
"""

from typing import TypedDict

import orjson

from taggedimages.postgresql.routing import read_connection

# Some 8 MB at most; beyond, all are forgotten.
CACHED_NAMES_MAX = 50_000

READ_NAMES = """
SELECT (SELECT version FROM tags_vocabulary), id, name FROM tags_tag WHERE id = ANY(%s)
"""


class NamedTag(TypedDict):
    """A tag as lists show it."""

    id: int
    name: str


class _Names:
    """What one process remembers: the tags as of one version."""

    def __init__(self) -> None:
        self.version: int | None = None
        # As the JSON of NamedTag: a page reads a thousand of them from all over the memory, and
        # each has to be read at one place.
        self.tags: dict[int, bytes] = {}


_known = _Names()


def named(ids: set[int], version: int | None) -> dict[int, bytes]:
    """Tags by id, each as the JSON of its NamedTag, as of a version of the vocabulary that was
    just read; those gone are missing.

    Costs a statement where one of them is not known yet.
    """
    global _known
    known = _known
    if known.version != version or len(known.tags) > CACHED_NAMES_MAX:
        known = _Names()
        known.version = version
    # Looks up these few; `ids - known.tags.keys()` would go through all that are known.
    missing = ids.difference(known.tags)
    if not missing:
        return known.tags
    with read_connection().cursor() as cursor:
        cursor.execute(READ_NAMES, [list(missing)])
        rows = cursor.fetchall()
    read = {tag: _encoded(tag, name) for _, tag, name in rows}
    if any(row[0] != version for row in rows):
        # Renamed meanwhile: right for this page, and not to be remembered with the others.
        return {**known.tags, **read}
    known.tags |= read
    _known = known
    return known.tags


def _encoded(tag: int, name: str) -> bytes:
    # Copied, for the encoder leaves kilobytes of room behind what it makes.
    return bytes(memoryview(orjson.dumps(NamedTag(id=tag, name=name))))
