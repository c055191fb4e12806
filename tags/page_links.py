"""The links that a page of a list shows of its images: all, or the first of each if very many.

One rule for all APIs. Without it, a page of a thousand links to an image with a thousand tags has a
million of them. A single record always shows all.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from django.db.models import Prefetch, QuerySet, prefetch_related_objects

from images.models import Image
from taggedimages.postgresql.routing import read_connection
from tags.models import ImageTag
from tags.tagging import LINKS_OLDEST_FIRST

# Links up to which a page shows all; of more, how many it shows of each image.
MAX_LINKS = 20_000
FIRST_LINKS = 20
# Of a page's 4 MB: a hundred records are a tenth of that without their tags.
MAX_TAGS_BYTES = 3_200_000
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
NAMES_AND_VALUES = """
SELECT i.id, l.names, l.held
FROM unnest(%(images)s::bigint[]) AS i (id)
CROSS JOIN LATERAL (
    SELECT array_agg(t.name ORDER BY o.id) AS names, array_agg(o.value ORDER BY o.id) AS held
    FROM (
        SELECT id, tag_id, value FROM tags_imagetag WHERE image_id = i.id ORDER BY id
        LIMIT %(most)s::bigint
    ) o JOIN tags_tag t ON t.id = o.tag_id
) l
"""
FIRST_TAGS_OF_EACH = """
SELECT i.id, ARRAY(SELECT l.tag_id FROM tags_imagetag l WHERE l.image_id = i.id ORDER BY l.id
                   LIMIT %(most)s)
FROM unnest(%(images)s::bigint[]) AS i (id)
"""
LINKED_TAGS = """
SELECT id, uuid::text, name, description, status FROM tags_tag WHERE id = ANY(%s::bigint[])
"""
TAGS_OF_EACH = """
SELECT image_id, array_agg(tag_id ORDER BY id) FROM tags_imagetag
WHERE image_id = ANY(%s::bigint[]) GROUP BY image_id
"""


class LinkedTag(NamedTuple):
    """What is shown of a tag on a page of images: so much of tags.models.Tag."""

    id: int
    uuid: str
    name: str
    description: str
    status: str


def fetch(images: Sequence[Image]) -> None:
    """Fetch the links of a page's images, oldest first, and their tags. Two statements, or three.

    The same image may be there any number of times.
    """
    if images:
        too_many = are_too_many([image.pk for image in images])
        links = _first(images) if too_many else LINKS_OLDEST_FIRST
        prefetch_related_objects(images, Prefetch("imagetag_set", links))


def tags(images: Sequence[int]) -> dict[int, list[LinkedTag]]:
    """The tags that a page shows of the images with these ids, in the order of their links. Two
    statements, or four.

    The same image may be there any number of times. Each tag is read once however many of the
    images have it, where `fetch` makes a record of each of a thousand links.
    """
    found = _tag_ids(images)
    with read_connection().cursor() as cursor:
        cursor.execute(LINKED_TAGS, [list(set().union(*found.values()))])
        by_id = {row[0]: LinkedTag._make(row) for row in cursor.fetchall()}
    # One that was deleted since its links were read is left out.
    return {image: [by_id[tag] for tag in ids if tag in by_id] for image, ids in found.items()}


def _tag_ids(images: Sequence[int]) -> dict[int, list[int]]:
    """The ids of all tags of some images; the first of each where they are too many."""
    most = most_of_each(len(images))
    with read_connection().cursor() as cursor:
        cursor.execute(FIRST_TAGS_OF_EACH, {"images": sorted(set(images)), "most": most + 1})
        found: dict[int, list[int]] = dict(cursor.fetchall())
    cut = [image for image, ids in found.items() if len(ids) > most]
    if not cut:
        return found
    if are_too_many(images):
        return {image: ids[:FIRST_LINKS] for image, ids in found.items()}
    return found | tags_of(cut)


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


def names_and_values(images: Sequence[int]) -> dict[int, list[tuple[str, str]]]:
    """The name of each tag that a page shows of the images with these ids, and the value that it
    has there, in the order of their links, by image. Two statements.

    The same image may be there any number of times.
    """
    most = FIRST_LINKS if are_too_many(images) else None
    with read_connection().cursor() as cursor:
        asked = {"images": sorted(set(images)), "most": most}
        cursor.execute(NAMES_AND_VALUES, asked)
        return {
            image: list(zip(names, values, strict=True)) if names else []
            for image, names, values in cursor.fetchall()
        }
