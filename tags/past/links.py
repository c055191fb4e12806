"""The links of images as of an instant: tags that they had then, and the values of these."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from taggedimages.postgresql.routing import read_connection

# What the first line after the instant says was before it; where there is none, the link of today,
# which is what the last line before it has made. In one statement, which sees both at one moment.
LINKS = """
WITH since AS MATERIALIZED (
    SELECT DISTINCT ON (image_id, tag_id) image_id, tag_id, old_value
    FROM tags_tagchange WHERE image_id = ANY(%(images)s::bigint[]) AND changed_at > %(at)s
    ORDER BY image_id, tag_id, changed_at, id
)
SELECT image_id, tag_id, old_value FROM since WHERE old_value IS NOT NULL
UNION ALL
SELECT l.image_id, l.tag_id, l.value FROM tags_imagetag l
WHERE l.image_id = ANY(%(images)s::bigint[]) AND NOT EXISTS (
    SELECT FROM since s WHERE s.image_id = l.image_id AND s.tag_id = l.tag_id)
ORDER BY 1, 2
"""


class PastLink(NamedTuple):
    """A tag that an image had, by its id, and the link's value; empty where it had none."""

    tag_id: int
    value: str


def of_images(image_ids: Iterable[int], at: datetime) -> dict[int, list[PastLink]]:
    """The links that some images had, by the ids of these, in ascending order of the tags' ids;
    of an image that had none there is an empty list.

    One statement; some ten thousand images at a time are what it is made for.
    """
    wanted = sorted(set(image_ids))
    found: dict[int, list[PastLink]] = {image: [] for image in wanted}
    with read_connection().cursor() as cursor:
        cursor.execute(LINKS, {"images": wanted, "at": at})
        for image, tag, value in cursor:
            found[image].append(PastLink(tag, value))
    return found
