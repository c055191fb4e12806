"""The records of a page: all that a list shows of its images, in one statement."""

from collections.abc import Sequence
from typing import NamedTuple

from taggedimages.postgresql.prepared import execute_prepared, ids
from taggedimages.postgresql.routing import read_connection
from tags import naming
from tags.naming import NamedTag

# Tags by link id, which counts up as links are made; an array costs less than rows.
FETCH = """
SELECT i.id, u.username, trunc(date_part('epoch', i.created_at))::bigint, i.filename, i.size,
       trunc(date_part('epoch', i.uploaded_at))::bigint, i.key, i.upload_error,
       CASE WHEN f.problem = '' THEN f.format END, CASE WHEN f.problem = '' THEN f.media_type END,
       (SELECT array_agg(l.tag_id ORDER BY l.id) FROM tags_imagetag l WHERE l.image_id = i.id),
       (SELECT version FROM tags_vocabulary)
FROM unnest({images}) WITH ORDINALITY wanted (id, place)
JOIN images_image i USING (id)
LEFT JOIN identity_user u ON u.id = i.created_by_id
LEFT JOIN images_facts f ON f.image_id = i.id
ORDER BY place
"""


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
    tags: list[NamedTag]


def records(images: Sequence[int]) -> list[Record]:
    """The images of these ids in this order; those that are gone are left out."""
    if not images:
        return []
    with read_connection().cursor() as cursor:
        execute_prepared(cursor, FETCH.format(images=ids(images)))
        rows = cursor.fetchall()
    version = rows[0][-1] if rows else None
    tags = naming.named(set().union(*(row[-2] or () for row in rows)), version).get
    # A thousand tags a page: without a line of Python for each.
    return [Record._make((*row[:-2], list(filter(None, map(tags, row[-2] or ()))))) for row in rows]
