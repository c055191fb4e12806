"""The names of many tags by id, kept in memory while no tag is renamed or becomes an alias.

A page of a hundred images shows a thousand tags, and asking for their names takes longer than
finding the images. Names have a version (TagNamesVersion), which changes in the very transaction
of a rename or a rule: names that were read at one version are right wherever that is read.

A database may be restored or put back under running processes, and then give ids and versions out
again, to other tags. So what is remembered belongs to one history of the database
(`taggedimages.postgresql.history`). The data of these tables may even come back alone: a version is
random, and belongs to the row that held it, as some transaction wrote it, and to the table of the
tags, as it was made or emptied last.
"""

from typing import TypedDict

import orjson

from taggedimages.postgresql.history import MARK
from taggedimages.postgresql.routing import read_connection

# Some 8 MB at most; beyond, all are forgotten.
CACHED_NAMES_MAX = 50_000

# As no other history of this database, and no other server, has it.
VERSION = f"""
(SELECT concat_ws(' ', {MARK}, pg_relation_filenode('tags_tag'),
                  (SELECT concat_ws(' ', xmin, version) FROM tags_vocabulary)))
"""  # noqa: S608
READ_NAMES = f"""
SELECT {VERSION}, t.id, coalesce(a.id, t.id), coalesce(a.name, t.name)
FROM tags_tag t LEFT JOIN tags_tag a ON a.id = t.alias_of_id WHERE t.id = ANY(%s)
"""  # noqa: S608


class NamedTag(TypedDict):
    """A tag as lists show it."""

    id: int
    name: str


class _Names:
    """What one process remembers of one server: the tags as of one version."""

    def __init__(self, version: str) -> None:
        self.version = version
        # As the JSON of NamedTag: a page reads a thousand of them from all over the memory, and
        # each has to be read at one place.
        self.tags: dict[int, bytes] = {}


# By the alias of the server: each has versions of its own.
_known: dict[str, _Names] = {}


def named(ids: set[int], version: str) -> dict[int, bytes]:
    """Tags by id, each as the JSON of its NamedTag, or of its target's where it is an alias, as of
    a version of the vocabulary (`VERSION`) that was just read; those gone are missing.

    Costs a statement where one of them is not known yet.
    """
    connection = read_connection()
    known = _known.get(connection.alias)
    if known is None or known.version != version or len(known.tags) > CACHED_NAMES_MAX:
        known = _Names(version)
    # Looks up these few; `ids - known.tags.keys()` would go through all that are known.
    missing = ids.difference(known.tags)
    if not missing:
        return known.tags
    with connection.cursor() as cursor:
        cursor.execute(READ_NAMES, [list(missing)])
        rows = cursor.fetchall()
    read = {tag: _encoded(shown, name) for _, tag, shown, name in rows}
    if any(row[0] != version for row in rows):
        # Renamed meanwhile: right for this page, and not to be remembered with the others.
        return {**known.tags, **read}
    known.tags |= read
    _known[connection.alias] = known
    return known.tags


def _encoded(tag: int, name: str) -> bytes:
    # Copied, for the encoder leaves kilobytes of room behind what it makes.
    return bytes(memoryview(orjson.dumps(NamedTag(id=tag, name=name))))
