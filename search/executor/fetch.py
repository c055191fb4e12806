"""The records of a page: all that a list shows of its images, in one statement, which may find them
as well."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from images.visibility import Viewer
from search.ordering import KeysetPosition
from taggedimages.epochs import epoch_seconds_sql
from taggedimages.postgresql.fragments import Fragment, bigint, bigints, compose, statement
from taggedimages.postgresql.prepared import execute_prepared
from taggedimages.postgresql.routing import read_connection
from tags import name_cache, page_links

# Tags by link id, which counts up as links are made; an array costs less than rows.
RECORDS = """
SELECT i.id, u.username, {created}, i.filename, i.size, {uploaded}, i.key, i.upload_error,
       i.visibility,
       CASE WHEN f.problem = '' THEN f.format END, CASE WHEN f.problem = '' THEN f.media_type END,
       ARRAY(SELECT l.tag_id FROM tags_imagetag l WHERE l.image_id = i.id ORDER BY l.id
             LIMIT %(links_max)s::bigint),
       {version}, {place}
FROM {wanted}
JOIN images_image i USING (id)
LEFT JOIN identity_user u ON u.id = i.created_by_id
LEFT JOIN images_facts f ON f.image_id = i.id
ORDER BY {order}
"""
WANTED_IDS = "unnest({images}) WITH ORDINALITY wanted (id, place)"
WANTED_IF_SHOWN = """
(SELECT id, 1 AS place FROM images_image i WHERE id = {image} AND {shown}) wanted
"""
WANTED_PAGE = "({found}) wanted (id, created)"
WANTED_PAGE_WITH_COUNT = "({found}) wanted (id, created, total)"
CREATED_SECONDS = Fragment(epoch_seconds_sql("i.created_at"))
UPLOADED_SECONDS = Fragment(epoch_seconds_sql("i.uploaded_at"))
VERSION = Fragment(name_cache.VERSION)
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
    # The JSON of a list of tags.NamedTag, targets in place of their aliases.
    tags: bytes


def fetch(images: Sequence[int], *, whole: bool = False) -> list[Record]:
    """The images of these ids in this order; those that are gone are left out. One statement.

    With `whole`, each has all its tags, however many these are together.
    """
    if not images:
        return []
    most = None if whole else page_links.most_of_each(len(images))
    wanted = compose(WANTED_IDS, images=bigints(images))
    return _records(_rows(wanted, BY_PLACE, BY_PLACE, most), most)


def fetch_shown(image: int, viewer: Viewer) -> Record | None:
    """The image with an id, with all its tags; None where the viewer is not shown it. One
    statement."""
    shown = compose("{shown}", provides=["i"], shown=viewer.image_predicate())
    wanted = compose(WANTED_IF_SHOWN, image=bigint(image), shown=shown)
    return next(iter(_records(_rows(wanted, BY_PLACE, BY_PLACE, None), None)), None)


def fetch_page(found: Fragment, limit: int) -> tuple[list[Record], KeysetPosition | None]:
    """The images that a statement of `search.executor.pages` finds, newest first, and where the
    last of them stands if it found more than the limit. One statement."""
    wanted, most = compose(WANTED_PAGE, found=found), page_links.most_of_each(limit)
    return _page(_rows(wanted, Fragment(CREATED), BY_CREATED, most), limit)


def fetch_page_with_count(
    found: Fragment, limit: int
) -> tuple[int, list[Record], KeysetPosition | None]:
    """As `fetch_page`, for a statement that selects a total too: it comes first, 0 where the page
    is empty."""
    wanted = compose(WANTED_PAGE_WITH_COUNT, found=found)
    most = page_links.most_of_each(limit)
    rows = _rows(wanted, Fragment(CREATED_AND_TOTAL), BY_CREATED, most)
    total = rows[0][-1] if rows else 0
    return total, *_page([row[:-1] for row in rows], limit)


def _page(rows: list[tuple[Any, ...]], limit: int) -> tuple[list[Record], KeysetPosition | None]:
    shown, most = rows[:limit], page_links.most_of_each(limit)
    if len(rows) == len(shown):
        return _records(shown, most), None
    last = shown[-1]
    return _records(shown, most), KeysetPosition(datetime.fromisoformat(last[-1]), last[0])


def _rows(
    wanted: Fragment, place: Fragment, order: Fragment, most: int | None
) -> list[tuple[Any, ...]]:
    """What RECORDS finds, with a tag more than `most` of each image that has them."""
    asked = statement(
        RECORDS,
        created=CREATED_SECONDS,
        uploaded=UPLOADED_SECONDS,
        version=VERSION,
        place=place,
        wanted=wanted,
        order=order,
        parameters={"links_max": None if most is None else most + 1},
    )
    with read_connection().cursor() as cursor:
        execute_prepared(cursor, asked.text, asked.parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _records(rows: list[tuple[Any, ...]], most: int | None) -> list[Record]:
    version = rows[0][-2] if rows else ""
    links = _links(rows, most)
    known = name_cache.named(set().union(*links), version).get
    tags = [_written(known, ids) for ids in links]
    longest = max(map(len, links), default=0)
    while most is not None and sum(map(len, tags)) > page_links.MAX_TAGS_BYTES:
        # Of very long names fewer, as many of each image.
        longest = longest * 3 // 4
        tags = [_written(known, ids[:longest]) for ids in links]
    return [Record._make((*row[:-3], shown)) for row, shown in zip(rows, tags, strict=True)]


def _links(rows: list[tuple[Any, ...]], most: int | None) -> list[list[int]]:
    """The ids of the tags that are shown of each row: all, unless a page would have too many."""
    links = [row[-3] for row in rows]
    cut = [] if most is None else [row[0] for row in rows if len(row[-3]) > most]
    if not cut:
        return links
    if page_links.are_too_many([row[0] for row in rows]):
        return [ids[: page_links.FIRST_LINKS] for ids in links]
    whole = page_links.tags_of(cut)
    return [whole.get(row[0], row[-3]) for row in rows]


def _written(known: Callable[[int], bytes | None], ids: list[int]) -> bytes:
    # A thousand tags a page: without a line of Python for each. Those with one target come once.
    return b"[%b]" % b",".join(filter(None, dict.fromkeys(map(known, ids))))
