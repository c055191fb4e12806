"""The links that a page of a list shows of its images: all, or the first of each if very many.

One rule for all APIs. Without it, a page of a thousand links to an image with a thousand tags has a
million of them. A single record always shows all.
"""

from collections import Counter
from collections.abc import Sequence

from django.db.models import Prefetch, QuerySet, prefetch_related_objects

from images.models import Image
from taggedimages.postgresql.routing import read_connection
from tags.models import ImageTag
from tags.tagging import LINKS_OLDEST_FIRST

# Links up to which a page shows all; of more, how many it shows of each image.
MAX_LINKS = 20_000
FIRST_LINKS = 20
# Stops as soon as the answer is known, so it never reads more than that many entries of an index.
COUNTED = """
SELECT l.image_id, count(*)
FROM (
    SELECT l.image_id
    FROM unnest(%(images)s::bigint[]) AS i (id)
    CROSS JOIN LATERAL (
        SELECT image_id FROM tags_imagetag WHERE image_id = i.id LIMIT %(most)s
    ) l
    LIMIT %(most)s
) l
GROUP BY l.image_id
"""
FIRST_OF_EACH = """
SELECT l.id
FROM unnest(%(images)s::bigint[]) AS i (id)
CROSS JOIN LATERAL (
    SELECT id FROM tags_imagetag WHERE image_id = i.id ORDER BY id LIMIT %(most)s
) l
"""
TAGS_OF_EACH = """
SELECT image_id, array_agg(tag_id ORDER BY id) FROM tags_imagetag
WHERE image_id = ANY(%s::bigint[]) GROUP BY image_id
"""


def fetch(images: Sequence[Image]) -> None:
    """Fetch the links of a page's images, oldest first, and their tags. Two statements, or three.

    The same image may be there any number of times.
    """
    if images:
        too_many = are_too_many([image.pk for image in images])
        links = _first(images) if too_many else LINKS_OLDEST_FIRST
        prefetch_related_objects(images, Prefetch("imagetag_set", links))


def are_too_many(images: Sequence[int]) -> bool:
    """Whether all links of the images with these ids are more than a page shows.

    An image that comes a hundred times shows its links a hundred times. One statement.
    """
    times = Counter(images)
    with read_connection().cursor() as cursor:
        cursor.execute(COUNTED, {"images": list(times), "most": MAX_LINKS + 1})
        counted: list[tuple[int, int]] = cursor.fetchall()
    return sum(times[image] * links for image, links in counted) > MAX_LINKS


def tags_of(images: Sequence[int]) -> dict[int, list[int]]:
    """The ids of all tags of some images in the order of their links. One statement."""
    with read_connection().cursor() as cursor:
        cursor.execute(TAGS_OF_EACH, [list(images)])
        return dict(cursor.fetchall())


def most_of_each(images: int) -> int:
    """As many links as each of so many images may have without a page having too many."""
    return MAX_LINKS // max(images, 1)


def _first(images: Sequence[Image]) -> QuerySet[ImageTag]:
    distinct = sorted({image.pk for image in images})
    with read_connection().cursor() as cursor:
        cursor.execute(FIRST_OF_EACH, {"images": distinct, "most": FIRST_LINKS})
        return LINKS_OLDEST_FIRST.filter(pk__in=[pk for (pk,) in cursor.fetchall()])
