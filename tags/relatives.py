"""The tags around one: what else it is called, what it implies, and what implies it."""

from typing import NamedTuple

from images.visibility import Viewer
from taggedimages.postgresql.fragments import Fragment, bigint, statement
from taggedimages.postgresql.prepared import execute_prepared
from taggedimages.postgresql.routing import read_connection
from tags.models import Tag
from tags.name_cache import NamedTag
from tags.shown import is_shown

# Statement selecting (kind, id, name), in alphabetical order.
RELATIVES = """
SELECT kind, id, name FROM (
    SELECT 'alias' AS kind, id, folded, name FROM tags_tag WHERE alias_of_id = {tag}
    UNION ALL
    SELECT 'parent', t.id, t.folded, t.name
    FROM tags_parents({tag}) p (id) JOIN tags_tag t ON t.id = p.id WHERE {is_shown}
    UNION ALL
    SELECT 'child', t.id, t.folded, t.name
    FROM tags_children({tag}) c (id) JOIN tags_tag t ON t.id = c.id WHERE {is_shown}
) relatives ORDER BY folded, name
"""


class Relatives(NamedTuple):
    """What stands around a tag, one step away; each in alphabetical order."""

    aliases: list[NamedTag]
    parents: list[NamedTag]
    children: list[NamedTag]


def relatives(tag: Tag, viewer: Viewer) -> Relatives:
    """All aliases of a target, and the parents and children of it that a viewer is shown.

    One statement.
    """
    asked = statement(
        RELATIVES, tag=bigint(tag.pk), is_shown=is_shown(viewer, Fragment("t.id"), aliased=True)
    )
    with read_connection().cursor() as cursor:
        execute_prepared(cursor, asked.text, asked.parameters)
        rows = cursor.fetchall()
    of = {
        wanted: [NamedTag(id=pk, name=name) for kind, pk, name in rows if kind == wanted]
        for wanted in ("alias", "parent", "child")
    }
    return Relatives(of["alias"], of["parent"], of["child"])
