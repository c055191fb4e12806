"""The vocabulary that a viewer is shown (`tags.shown`), in alphabetical order or oldest first.

Both are read in an index of that order alone, beside the few tags that are in memory. A page after
a position costs the same at any depth; a page by number passes over all tags between it and the
nearer end, 0.2 µs each.
"""

from typing import NamedTuple

from images.visibility import Viewer
from taggedimages.postgresql.fragments import Fragment, compose, statement
from taggedimages.postgresql.prepared import execute_prepared
from taggedimages.postgresql.routing import read_connection
from tags import shown
from tags.models import Tag
from tags.name_cache import NamedTag

# So many of what is shown in order, after so many: of a walk, which ends no later, and in memory.
ORDERED = """
SELECT * FROM (
    (SELECT {id} AS id, folded, name {walked} AND {after}
     ORDER BY {order} LIMIT {skipped} + {taken})
    UNION ALL (SELECT id, folded, name FROM extras WHERE {after})
) tags ORDER BY {order} LIMIT {taken} OFFSET {skipped}"""

# Statements that select (total, id, folded, name) of up to `limit` tags, in order; one row with
# nulls where there is none. The total is that of the page's own moment, so that no tag that comes
# or goes meanwhile moves a page that is counted from the end.
AFTER_POSITION = """
WITH {ctes}
SELECT total, page.* FROM counted LEFT JOIN ({forwards}) page ON true ORDER BY folded, name
"""
BY_NUMBER = """
WITH {ctes},
bounds AS MATERIALIZED (
    SELECT start, greatest(rest - tags, 0) AS from_end, is_near_end,
           CASE WHEN is_near_end THEN 0 ELSE tags END AS forwards,
           CASE WHEN is_near_end THEN greatest(tags, 0) ELSE 0 END AS backwards
    FROM (SELECT start, total - start AS rest, least(%(limit)s::bigint, total - start) AS tags,
                 total - start < total / 2 AS is_near_end
          FROM counted, LATERAL (SELECT %(offset)s::bigint AS start) asked) asked
)
SELECT total, page.* FROM counted LEFT JOIN (
    ({forwards}) UNION ALL ({backwards})
) page ON true ORDER BY {order}
"""
WHEREVER, NONE = Fragment("true"), Fragment("0")
AFTER = Fragment("(folded, name) > (%(folded)s, %(name)s)")
LIMIT = Fragment("%(limit)s::bigint")
START, FROM_END = Fragment("(SELECT start FROM bounds)"), Fragment("(SELECT from_end FROM bounds)")
FORWARDS = Fragment("(SELECT forwards FROM bounds)")
BACKWARDS = Fragment("(SELECT backwards FROM bounds)")


class Order(NamedTuple):
    """An order of tags, and the same from the end."""

    forwards: Fragment
    backwards: Fragment


ALPHABETICAL = Order(Fragment("folded, name"), Fragment("folded DESC, name DESC"))
OLDEST_FIRST = Order(Fragment("id"), Fragment("id DESC"))

# A bigint with room for what is added to it; no vocabulary reaches as far.
OFFSET_MAX_TAGS = 2**62

Row = tuple[int, int | None, str, str]


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


def page(
    viewer: Viewer, limit: int, offset: int = 0, after: TagPosition | None = None
) -> AlphabetPage:
    """So many of the tags that a viewer is shown in alphabetical order, aliases left out: after a
    position, or else from `offset` tags on."""
    found = shown.shown_to(viewer, aliased=True)
    # One more tells whether others follow.
    if after:
        rows = _after(found, limit + 1, after)
    else:
        rows = _numbered(found, limit + 1, offset, ALPHABETICAL)
    tags = [NamedTag(id=tag, name=name) for _, tag, _, name in rows[:limit] if tag is not None]
    last = TagPosition(*rows[limit - 1][2:]) if len(rows) > limit else None
    return AlphabetPage(rows[0][0], tags, last)


class OldestFirst:
    """The tags that a viewer is shown by their ids, aliases too, as paginators want a list."""

    def __init__(self, viewer: Viewer) -> None:
        self.found = shown.shown_to(viewer)

    def count(self) -> int:
        """How many there are."""
        return shown.count(self.found)

    def __getitem__(self, part: slice) -> list[Tag]:
        rows = _numbered(self.found, part.stop - part.start, part.start, OLDEST_FIRST)
        return list(Tag.objects.filter(pk__in=[row[1] for row in rows if row[1]]).order_by("pk"))


def _after(found: shown.Shown, limit: int, after: TagPosition) -> list[Row]:
    forwards = _ordered(found, ALPHABETICAL.forwards, NONE, LIMIT, AFTER)
    values = {"limit": limit, **after._asdict()}
    return _rows(statement(AFTER_POSITION, ctes=found.ctes, forwards=forwards, parameters=values))


def _numbered(found: shown.Shown, limit: int, offset: int, order: Order) -> list[Row]:
    return _rows(
        statement(
            BY_NUMBER,
            ctes=found.ctes,
            forwards=_ordered(found, order.forwards, START, FORWARDS),
            backwards=_ordered(found, order.backwards, FROM_END, BACKWARDS),
            order=order.forwards,
            parameters={"limit": limit, "offset": min(offset, OFFSET_MAX_TAGS)},
        )
    )


def _ordered(
    found: shown.Shown,
    order: Fragment,
    skipped: Fragment,
    taken: Fragment,
    after: Fragment = WHEREVER,
) -> Fragment:
    return compose(
        ORDERED,
        id=Fragment(found.id),
        walked=found.walked,
        after=after,
        order=order,
        skipped=skipped,
        taken=taken,
    )


def _rows(asked: Fragment) -> list[Row]:
    with read_connection().cursor() as cursor:
        execute_prepared(cursor, asked.text, asked.parameters)
        rows: list[Row] = cursor.fetchall()
        return rows
