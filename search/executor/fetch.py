"""The records of a page: all that a list shows of its images, in one statement, which may find them
as well."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from search.ordering import Position
from taggedimages.postgresql.prepared import execute_prepared, ids
from taggedimages.postgresql.routing import read_connection
from tags import name_cache

# Tags by link id, which counts up as links are made; an array costs less than rows.
FETCH = """
SELECT i.id, u.username, trunc(date_part('epoch', i.created_at))::bigint, i.filename, i.size,
       trunc(date_part('epoch', i.uploaded_at))::bigint, i.key, i.upload_error,
       CASE WHEN f.problem = '' THEN f.format END, CASE WHEN f.problem = '' THEN f.media_type END,
       ARRAY(SELECT l.tag_id FROM tags_imagetag l WHERE l.image_id = i.id ORDER BY l.id),
       (SELECT version FROM tags_vocabulary), {place}
FROM {wanted}
JOIN images_image i USING (id)
LEFT JOIN identity_user u ON u.id = i.created_by_id
LEFT JOIN images_facts f ON f.image_id = i.id
ORDER BY {order}
"""
OF_IDS = FETCH.format(
    wanted="unnest({images}) WITH ORDINALITY wanted (id, place)", place="place", order="place"
)
# Times as texts: the last alone is read.
FOUND = FETCH.format(
    wanted="({found}) wanted (id, created{total})",
    place="wanted.created::text{total}",
    order="wanted.created DESC, wanted.id DESC",
)


class Record(NamedTuple):
    """An image of a list; times are epoch seconds, and what is not known is None."""

    id: int
    created_by: str | None
    created_at: int
    filename: str
    size: int
    uploaded_at: int | None
    key: str
    upload_error: str
    # As inspection found them, where the file can be shown as what it is.
    format: str | None
    media_type: str | None
    # The JSON of a list of tags.NamedTag.
    tags: bytes


def of(images: Sequence[int]) -> list[Record]:
    """The images of these ids in this order; those that are gone are left out."""
    return _records(_rows(OF_IDS.format(images=ids(images)), {})) if images else []


def newest(
    statement: str, parameters: Mapping[str, Any], limit: int
) -> tuple[list[Record], Position | None]:
    """The images that a statement of `search.executor.pages` finds, and where the last of them stands if
    it found more than are wanted."""
    return _newest(_rows(FOUND.format(found=statement, total=""), parameters), limit)


def newest_counted(
    statement: str, parameters: Mapping[str, Any], limit: int
) -> tuple[int, list[Record], Position | None]:
    """As `newest`, and how many there are on all pages; 0 where this one is empty."""
    rows = _rows(FOUND.format(found=statement, total=", total"), parameters)
    total = rows[0][-1] if rows else 0
    return total, *_newest([row[:-1] for row in rows], limit)


def _newest(rows: list[tuple[Any, ...]], limit: int) -> tuple[list[Record], Position | None]:
    shown = rows[:limit]
    if len(rows) == len(shown):
        return _records(shown), None
    last = shown[-1]
    return _records(shown), Position(datetime.fromisoformat(last[-1]), last[0])


def _rows(statement: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with read_connection().cursor() as cursor:
        execute_prepared(cursor, statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _records(rows: list[tuple[Any, ...]]) -> list[Record]:
    version = rows[0][-2] if rows else None
    tags = name_cache.named(set().union(*(row[-3] for row in rows)), version).get
    # A thousand tags a page: without a line of Python for each.
    return [
        Record._make((*row[:-3], b"[%b]" % b",".join(filter(None, map(tags, row[-3])))))
        for row in rows
    ]
