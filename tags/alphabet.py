"""The vocabulary in alphabetical order, by folded and then exact name: its pages.

Both are read in the index of that order alone. A page after a position costs the same at any depth;
a page by number passes over all tags between it and the nearer end, 0.15 µs each.
"""

from typing import Any, NamedTuple

from taggedimages.postgresql.fragments import compose
from taggedimages.postgresql.prepared import execute_prepared
from taggedimages.postgresql.routing import read_connection
from tags.counters import COUNT_TAGS
from tags.name_cache import NamedTag

# Statements that select (total, id, folded, name) of up to `limit` tags, in order; one row with
# nulls where there is none. The total is that of the page's own moment, so that no tag that comes
# or goes meanwhile moves a page that is counted from the end.
AFTER_POSITION = compose(
    """
WITH counted (total) AS MATERIALIZED ({count})
SELECT total, page.* FROM counted LEFT JOIN (
    SELECT id, folded, name FROM tags_tag WHERE (folded, name) > (%(folded)s, %(name)s)
    ORDER BY folded, name LIMIT %(limit)s::bigint
) page ON true ORDER BY folded, name
""",
    count=COUNT_TAGS,
).text
BY_NUMBER = compose(
    """
WITH counted (total) AS MATERIALIZED ({count}),
bounds AS MATERIALIZED (
    SELECT start, total - start AS rest, least(%(limit)s::bigint, total - start) AS tags,
           total - start < total / 2 AS is_near_end
    FROM counted, LATERAL (SELECT %(offset)s::bigint AS start) asked
)
SELECT total, page.* FROM counted LEFT JOIN (
    (SELECT id, folded, name FROM tags_tag ORDER BY folded, name
     LIMIT (SELECT CASE WHEN is_near_end THEN 0 ELSE tags END FROM bounds)
     OFFSET (SELECT start FROM bounds))
    UNION ALL
    (SELECT id, folded, name FROM tags_tag ORDER BY folded DESC, name DESC
     LIMIT (SELECT CASE WHEN is_near_end THEN greatest(tags, 0) ELSE 0 END FROM bounds)
     OFFSET (SELECT greatest(rest - tags, 0) FROM bounds))
) page ON true ORDER BY folded, name
""",
    count=COUNT_TAGS,
).text


# A bigint with room for what is added to it; no vocabulary reaches as far.
OFFSET_MAX_TAGS = 2**62


class TagPosition(NamedTuple):
    """Where a tag stands in alphabetical order."""

    folded: str
    name: str


class AlphabetPage(NamedTuple):
    """Tags that follow each other, and how many there are on all pages."""

    total: int
    tags: list[NamedTag]
    # Of the last tag, where others follow.
    last: TagPosition | None


def page(limit: int, offset: int = 0, after: TagPosition | None = None) -> AlphabetPage:
    """So many tags in alphabetical order: after a position, or else from `offset` tags on."""
    # One more tells whether others follow.
    asked: dict[str, Any] = {"limit": limit + 1, "offset": min(offset, OFFSET_MAX_TAGS)}
    if after:
        asked |= after._asdict()
    with read_connection().cursor() as cursor:
        execute_prepared(cursor, AFTER_POSITION if after else BY_NUMBER, asked)
        rows = cursor.fetchall()
    tags = [NamedTag(id=tag, name=name) for _, tag, _, name in rows[:limit] if tag is not None]
    last = TagPosition(*rows[limit - 1][2:]) if len(rows) > limit else None
    return AlphabetPage(rows[0][0], tags, last)
