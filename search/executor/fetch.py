"""The records of a page: all that a list shows of its images, in one statement, which may find them
as well."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from search.ordering import KeysetPosition
from taggedimages.postgresql.fragments import Fragment, bigints, compose, statement
from taggedimages.postgresql.prepared import execute_prepared
from taggedimages.postgresql.routing import read_connection
from tags import name_cache

# Tags by link id, which counts up as links are made; an array costs less than rows.
RECORDS = """
SELECT i.id, u.username, trunc(date_part('epoch', i.created_at))::bigint, i.filename, i.size,
       trunc(date_part('epoch', i.uploaded_at))::bigint, i.key, i.upload_error, i.visibility,
       CASE WHEN f.problem = '' THEN f.format END, CASE WHEN f.problem = '' THEN f.media_type END,
       ARRAY(SELECT l.tag_id FROM tags_imagetag l WHERE l.image_id = i.id ORDER BY l.id),
       (SELECT version FROM tags_vocabulary), {place}
FROM {wanted}
JOIN images_image i USING (id)
LEFT JOIN identity_user u ON u.id = i.created_by_id
LEFT JOIN images_facts f ON f.image_id = i.id
ORDER BY {order}
"""
WANTED_IDS = "unnest({images}) WITH ORDINALITY wanted (id, place)"
WANTED_PAGE = "({found}) wanted (id, created)"
WANTED_PAGE_WITH_COUNT = "({found}) wanted (id, created, total)"
BY_PLACE, BY_CREATED = Fragment("place"), Fragment("wanted.created DESC, wanted.id DESC")
# Times as texts: the last alone is read.
CREATED, CREATED_AND_TOTAL = "wanted.created::text", "wanted.created::text, total"


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
    # A number of images.visibility.Visibility.
    visibility: int
    # As inspection found them, where the file can be shown as what it is.
    format: str | None
    media_type: str | None
    # The JSON of a list of tags.NamedTag.
    tags: bytes


def fetch(images: Sequence[int]) -> list[Record]:
    """The images of these ids in this order; those that are gone are left out. One statement."""
    if not images:
        return []
    wanted = compose(WANTED_IDS, images=bigints(images))
    return _records(_rows(statement(RECORDS, place=BY_PLACE, wanted=wanted, order=BY_PLACE)))


def fetch_page(found: Fragment, limit: int) -> tuple[list[Record], KeysetPosition | None]:
    """The images that a statement of `search.executor.pages` finds, newest first, and where the
    last of them stands if it found more than the limit. One statement."""
    wanted = compose(WANTED_PAGE, found=found)
    return _page(
        _rows(statement(RECORDS, place=Fragment(CREATED), wanted=wanted, order=BY_CREATED)), limit
    )


def fetch_page_with_count(
    found: Fragment, limit: int
) -> tuple[int, list[Record], KeysetPosition | None]:
    """As `fetch_page`, for a statement that selects a total too: it comes first, 0 where the page
    is empty."""
    wanted = compose(WANTED_PAGE_WITH_COUNT, found=found)
    place = Fragment(CREATED_AND_TOTAL)
    rows = _rows(statement(RECORDS, place=place, wanted=wanted, order=BY_CREATED))
    total = rows[0][-1] if rows else 0
    return total, *_page([row[:-1] for row in rows], limit)


def _page(rows: list[tuple[Any, ...]], limit: int) -> tuple[list[Record], KeysetPosition | None]:
    shown = rows[:limit]
    if len(rows) == len(shown):
        return _records(shown), None
    last = shown[-1]
    return _records(shown), KeysetPosition(datetime.fromisoformat(last[-1]), last[0])


def _rows(asked: Fragment) -> list[tuple[Any, ...]]:
    with read_connection().cursor() as cursor:
        execute_prepared(cursor, asked.text, asked.parameters)
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
