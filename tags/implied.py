"""Which tags an image has by implications alone, and by which of its own."""

from collections.abc import Iterable, Sequence
from typing import TypedDict

from images.visibility import Viewer
from taggedimages.postgresql.fragments import Fragment, bigints, statement
from taggedimages.postgresql.prepared import execute_prepared
from taggedimages.postgresql.routing import read_connection
from tags.shown import is_shown

# Statement selecting (tag, what it implies, its name), in alphabetical order.
IMPLIED = """
SELECT c.descendant_id, t.id, t.name
FROM tags_closure c JOIN tags_tag t ON t.id = c.ancestor_id
WHERE c.descendant_id = ANY({tags}) AND {is_shown} ORDER BY t.folded, t.name, 1
"""


class ImpliedTag(TypedDict):
    """A tag that others imply: these, by id."""

    id: int
    name: str
    because: list[int]


def implied(given: Iterable[Sequence[int]], viewer: Viewer) -> list[list[ImpliedTag]]:
    """What the tags of each of some images imply by any number of steps, but for those that the
    image has itself, in alphabetical order; only tags that a viewer is shown.

    Tags are ids of targets. One statement, none where no image has a tag.
    """
    images = [list(tags) for tags in given]
    every = sorted(set().union(*images))
    if not every:
        return [[] for _ in images]
    shown = is_shown(viewer, Fragment("t.id"), aliased=True)
    asked = statement(IMPLIED, tags=bigints(every), is_shown=shown)
    with read_connection().cursor() as cursor:
        execute_prepared(cursor, asked.text, asked.parameters)
        rows: list[tuple[int, int, str]] = cursor.fetchall()
    names = {tag: name for _, tag, name in rows}
    implying: dict[int, set[int]] = {tag: set() for tag in names}
    for child, tag, _ in rows:
        implying[tag].add(child)
    return [_of(tags, names, implying) for tags in images]


def _of(tags: list[int], names: dict[int, str], implying: dict[int, set[int]]) -> list[ImpliedTag]:
    """What one image's tags imply; `names` are in order."""
    because = {tag: [one for one in tags if one in implying[tag]] for tag in names}
    return [
        ImpliedTag(id=tag, name=names[tag], because=because[tag])
        for tag in names
        if because[tag] and tag not in tags
    ]
