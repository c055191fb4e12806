"""What somebody may mean who types: names that begin with a text, then names that have it anywhere.

Both are in alphabetical order and in any case. An alias stands for its target, which comes once;
deprecated tags are left out. Nothing is counted, and each look ends with as many names as are
wanted:

- how names begin, in the rows of each audience of the viewer (`audiencetag_by_name`), or in those
  of all tags (`tag_by_name`) for whoever is shown all;
- parts of names, in the index of parts (`tag_folded_part`) or along `tag_by_name`, whichever the
  planner finds shorter; of a text without three letters in a row, which that index is of no use
  for, in the rows of the audiences again, of which each is passed over in the index alone.
"""

import re
from typing import NamedTuple

from images.visibility import Viewer
from taggedimages.postgresql.fragments import EMPTY, Fragment, bigints, compose, statement
from taggedimages.postgresql.routing import read_connection
from tags import shown
from tags.names import folded, part_pattern, start_pattern

# What the index of parts of names can look for.
SELECTIVE_PART = re.compile(r"[^\W_]{3}")

# A tag `t` that is offered at all.
OFFERED = Fragment("t.alias_of_id IS NULL AND t.status <> 'deprecated'")
# SQL selecting (id, folded, name) of tags whose name `folded` is as `like` says.
IN_AUDIENCES = """
SELECT s.tag_id AS id, s.folded, s.name FROM unnest({audiences}) a (audience), LATERAL (
    SELECT tag_id, folded, name FROM tags_audiencetag s
    WHERE audience = a.audience AND {like} AND tag_id NOT IN (TABLE ahead)
    AND EXISTS (SELECT FROM tags_tag t WHERE t.id = s.tag_id AND {offered} OFFSET 0)
    ORDER BY folded, name LIMIT %(most)s
) s
UNION SELECT id, folded, name FROM tags_tag t
WHERE t.id IN (TABLE ending) AND {other_like} AND {offered}
UNION SELECT t.id, t.folded, t.name FROM tags_tag a JOIN tags_tag t ON t.id = a.alias_of_id
WHERE a.alias_of_id IS NOT NULL AND {other_like} AND {offered} AND {alias_is_shown}
"""
AMONG_ALL = """
SELECT id, folded, name FROM tags_tag t WHERE {like} AND {offered} AND {is_shown}
ORDER BY folded, name LIMIT %(most)s
"""
# Statement: (id, name, alias) of the first so many, in order of the names that were met.
MET = """
WITH {beside}
met AS (
    SELECT id, folded, name, NULL AS alias FROM ({tags}) named
    UNION ALL (
        SELECT t.id, a.folded, t.name, a.name
        FROM tags_tag a JOIN tags_tag t ON t.id = a.alias_of_id
        WHERE a.alias_of_id IS NOT NULL AND {alias_like} AND {offered} AND {is_shown}
        ORDER BY a.folded, a.name LIMIT %(most)s
    )
)
SELECT id, name, alias FROM (
    SELECT DISTINCT ON (id) * FROM met ORDER BY id, alias IS NOT NULL, folded, alias
) once ORDER BY folded, coalesce(alias, name) LIMIT %(most)s
"""
STARTS = "{column} LIKE %(start)s"
HAS = "{column} LIKE %(part)s AND {column} NOT LIKE %(start)s AND {id} <> ALL(%(met)s::bigint[])"


class Suggestion(NamedTuple):
    """A tag that may be meant, and the alias that was met where its own name was not."""

    id: int
    name: str
    alias: str | None


def suggestions(viewer: Viewer, text: str, most: int) -> list[Suggestion]:
    """At most so many tags that a viewer is shown, for a text that is not empty.

    Two statements, one where enough names begin so.
    """
    found = _met(viewer, text, most, STARTS, walks=viewer.audiences is not None)
    if len(found) < most:
        walks = viewer.audiences is not None and not SELECTIVE_PART.search(folded(text))
        ids = [one.id for one in found]
        found += _met(viewer, text, most - len(found), HAS, walks=walks, met=ids)
    return found


def _met(
    viewer: Viewer, text: str, most: int, like: str, *, walks: bool, met: list[int] | None = None
) -> list[Suggestion]:
    """The first so many whose names are as `like` says; `walks` looks in the viewer's audiences."""
    is_shown = shown.is_shown(viewer, Fragment("t.id"), aliased=True)
    if walks:
        audiences, named = bigints(shown.audiences_of(viewer)), _like(like, "folded", "tag_id")
        tags = compose(
            IN_AUDIENCES,
            audiences=audiences,
            like=named,
            other_like=_like(like, "t.folded", "t.id"),
            offered=OFFERED,
            alias_is_shown=shown.is_shown(viewer, Fragment("a.id")),
        )
    else:
        named = _like(like, "t.folded", "t.id")
        tags = compose(AMONG_ALL, like=named, offered=OFFERED, is_shown=is_shown)
    asked = statement(
        MET,
        beside=shown.beside(viewer) if walks else EMPTY,
        tags=tags,
        alias_like=_like(like, "a.folded", "t.id"),
        offered=OFFERED,
        is_shown=is_shown,
        parameters={
            "start": start_pattern(text),
            "part": part_pattern(text),
            "met": met or [],
            "most": most,
        },
    )
    # Not prepared: the planner looks at what the patterns say.
    with read_connection().cursor() as cursor:
        cursor.execute(asked.text, asked.parameters)
        return [Suggestion(*row) for row in cursor.fetchall()]


def _like(template: str, column: str, id: str) -> Fragment:
    return compose(template, column=Fragment(column), id=Fragment(id))
