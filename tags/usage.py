"""Which tags and values a set of images uses."""

from django.db.models import F, QuerySet
from django.db.models.functions import Collate

from images.audience import LATEST, Viewer
from images.querysets import ImageQuerySet
from taggedimages.postgresql.prepared import execute_prepared
from taggedimages.postgresql.routing import read_connection
from tags.models import ImageTag

# A link `l` of an image that is current: told by the link itself where the image has no end.
CURRENT = f"""
(l.audience IS NOT NULL AND l.image_created_at <= {LATEST}
 OR l.audience IS NULL AND l.image_id IN (
    SELECT i.id FROM images_image i
    WHERE i.ended_at > statement_timestamp() AND {Viewer(audiences=None).visible}))
"""
# One link is looked for of each tag, and of each value; values are leapt over from one to the next.
# OFFSET keeps the looking from becoming a join of all links.
IN_USE = f"""
WITH RECURSIVE valued AS (
    (SELECT tag_id, value FROM tags_imagetag WHERE value <> '' ORDER BY tag_id, value LIMIT 1)
    UNION ALL
    SELECT n.tag_id, n.value FROM valued v, LATERAL (
        SELECT tag_id, value FROM tags_imagetag
        WHERE value <> '' AND (tag_id, value) > (v.tag_id, v.value)
        ORDER BY tag_id, value LIMIT 1
    ) n
)
(SELECT t.name, '' AS held FROM tags_tag t
 WHERE EXISTS (SELECT FROM tags_imagetag l WHERE l.tag_id = t.id AND l.value = '' AND {CURRENT}
               OFFSET 0)
 ORDER BY t.name LIMIT %(stop)s)
UNION ALL
SELECT t.name, v.value COLLATE "C" FROM valued v JOIN tags_tag t ON t.id = v.tag_id
WHERE EXISTS (SELECT FROM tags_imagetag l WHERE l.tag_id = v.tag_id AND l.value = v.value
              AND l.value <> '' AND {CURRENT} OFFSET 0)
ORDER BY name, held LIMIT %(stop)s::bigint - %(start)s::bigint OFFSET %(start)s
"""


def names_and_values(images: ImageQuerySet) -> QuerySet[ImageTag, tuple[str, str]]:
    """The distinct pairs of a tag's name and a value it has there, by code point, unevaluated."""
    links = ImageTag.objects.filter(image__in=images.order_by())
    pairs = links.annotate(name=F("tag__name"), held=Collate("value", "C"))
    return pairs.values_list("name", "held").distinct().order_by("name", "held")


def all_names_and_values(start: int = 0, stop: int | None = None) -> list[tuple[str, str]]:
    """The same of all current images, from one place in that order up to another."""
    with read_connection().cursor() as cursor:
        execute_prepared(cursor, IN_USE, {"start": start, "stop": stop})
        return list(cursor.fetchall())
