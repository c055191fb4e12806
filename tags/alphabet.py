"""Tags by name at any depth: a page far on costs what the first does.

The order of names is cut into shelves of about as many tags each. What a shelf holds was counted
when the worker last put them up; since then, triggers write down each tag that comes and goes with
its name (migration 0004). Both together tell, in the one statement that reads a page, how many tags
stand before a shelf at that moment, so that only within one shelf tags are passed over.
"""

from typing import Any, NamedTuple

from django.db import connection
from django.db.backends.utils import CursorWrapper

from taggedimages.postgresql.prepared import execute_prepared
from taggedimages.postgresql.routing import read_connection
from tags import counters
from tags.name_cache import NamedTag

# Tags on a shelf, or more where there would be more than so many shelves.
TAGS, SHELVES = 1_000, 1_000
# Changes after which shelves are put up anew, and rows up to which adding them up is worth it.
CHANGES, WORTH = 4_000, 10_000

STANDING = """
SELECT folded, name, starts,
       (sum(tags) OVER (ORDER BY folded, name, starts DESC ROWS UNBOUNDED PRECEDING)
        - tags)::bigint AS before
"""

PAGE = f"""
WITH known AS MATERIALIZED (SELECT * FROM search_shelf LIMIT %(worth)s::bigint + 1),
standing AS ({STANDING} FROM known),
shelf AS (
    SELECT '' COLLATE "C" AS folded, '' COLLATE "C" AS name, 0::bigint AS before
    UNION ALL
    SELECT folded, name, before FROM standing
    WHERE starts AND before <= %(offset)s::bigint
    AND (SELECT count(*) FROM known) <= %(worth)s::bigint
    AND NOT EXISTS (SELECT FROM search_rebuild)
    ORDER BY before DESC LIMIT 1
)
SELECT page.id, page.folded, page.name FROM shelf, LATERAL (
    SELECT t.id, t.folded, t.name FROM tags_tag t
    WHERE (t.folded, t.name) >= (shelf.folded, shelf.name)
    ORDER BY t.folded, t.name LIMIT %(limit)s::bigint OFFSET %(offset)s::bigint - shelf.before
) page ORDER BY page.folded, page.name
"""

AFTER = """
SELECT id, folded, name FROM tags_tag WHERE (folded, name) > (%(folded)s, %(name)s)
ORDER BY folded, name LIMIT %(limit)s::bigint
"""

PUT_UP = """
WITH removed AS (DELETE FROM search_shelf), step AS (
    SELECT greatest(%(tags)s, count(*) / %(shelves)s) AS tags FROM tags_tag
), numbered AS (
    SELECT folded, name, row_number() OVER (ORDER BY folded, name) - 1 AS number FROM tags_tag
)
INSERT INTO search_shelf (folded, name, starts, tags)
SELECT folded, name, true, least(step.tags, (SELECT count(*) FROM tags_tag) - number)
FROM numbered, step WHERE number %% step.tags = 0
"""

WRONG = f"""
SELECT count(*) FROM (
    SELECT starts, before, sum(1 - own) OVER (
        ORDER BY folded, name, starts DESC, own DESC ROWS UNBOUNDED PRECEDING
    ) AS counted
    FROM (
        SELECT *, 1 AS own FROM ({STANDING} FROM search_shelf) standing
        UNION ALL SELECT folded, name, false, 0, 0 FROM tags_tag
    ) each
) compared WHERE starts AND before <> counted
"""

DUE = """
SELECT count(*) FILTER (WHERE NOT starts) > %s
       OR NOT coalesce(bool_or(starts), false) AND EXISTS (SELECT FROM tags_tag OFFSET %s)
FROM search_shelf
"""


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
    total = counters.count_tags()
    if offset >= total:
        return AlphabetPage(total, [], None)
    # One more tells whether others follow.
    asked: dict[str, Any] = {"limit": limit + 1, "offset": offset, "worth": WORTH}
    if after:
        asked |= after._asdict()
    with read_connection().cursor() as cursor:
        execute_prepared(cursor, AFTER if after else PAGE, asked)
        rows = cursor.fetchall()
    last = TagPosition(*rows[limit - 1][1:]) if len(rows) > limit else None
    return AlphabetPage(total, [NamedTag(id=tag, name=name) for tag, _, name in rows[:limit]], last)


def due() -> bool:
    """Whether the worker should put up the shelves."""
    with connection.cursor() as cursor:
        cursor.execute(DUE, [CHANGES, TAGS])
        return bool(cursor.fetchone()[0])


def put_up(cursor: CursorWrapper) -> None:
    """Put up the shelves anew. In `folding.one_state`."""
    cursor.execute(PUT_UP, {"tags": TAGS, "shelves": SHELVES})


def verify(cursor: CursorWrapper, repair: bool = False) -> int:
    """How many shelves stand wrong; with `repair`, all are put up anew. In `folding.one_state`."""
    cursor.execute(WRONG)
    (wrong,) = cursor.fetchone()
    if wrong and repair:
        put_up(cursor)
    return int(wrong)
