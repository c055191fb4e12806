"""Which tags and values a set of images uses."""

from django.db.models import F, QuerySet
from django.db.models.functions import Collate

from images.models import Image
from images.querysets import ImageQuerySet
from images.visibility import Viewer
from taggedimages.postgresql.fragments import compose
from taggedimages.postgresql.prepared import execute_prepared
from taggedimages.postgresql.routing import read_connection
from tags.models import ImageTag

# Of a project with more images, tags are sooner met among all links than its own links are read.
READ_IMAGES_MAX = 20_000

# One link is looked for of each tag, and of each value; values are leapt over from one to the next.
# OFFSET keeps the looking from becoming a join of all links.
IN_USE = """
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
 WHERE EXISTS (SELECT FROM tags_imagetag l WHERE l.tag_id = t.id AND l.value = '' AND {current}
               OFFSET 0)
 ORDER BY t.name LIMIT %(stop)s)
UNION ALL
SELECT t.name, v.value COLLATE "C" FROM valued v JOIN tags_tag t ON t.id = v.tag_id
WHERE EXISTS (SELECT FROM tags_imagetag l WHERE l.tag_id = v.tag_id AND l.value = v.value
              AND l.value <> '' AND {current} OFFSET 0)
ORDER BY name, held LIMIT %(stop)s::bigint - %(start)s::bigint OFFSET %(start)s
"""


def names_and_values(
    project_id: str,
    start: int = 0,
    stop: int | None = None,
    *,
    read_images_max: int = READ_IMAGES_MAX,
) -> list[tuple[str, str]]:
    """The distinct pairs of a tag's name and a value it has on a project's current images, by code
    point, from one place in that order up to another.

    Up to `read_images_max` images, all links of the project are read.
    """
    if Image.objects.are_all_of(project_id):
        return _in_use(Viewer(audiences=None), start, stop)
    own = Image.objects.of_project(project_id)
    if own.order_by()[read_images_max : read_images_max + 1].exists():
        return _in_use(Viewer(audiences=None, project=project_id), start, stop)
    return list(names_and_values_of(own.current())[start:stop])


def names_and_values_of(images: ImageQuerySet) -> QuerySet[ImageTag, tuple[str, str]]:
    """The same of some images, unevaluated."""
    links = ImageTag.objects.filter(image__in=images.order_by())
    pairs = links.annotate(name=F("tag__name"), held=Collate("value", "C"))
    return pairs.values_list("name", "held").distinct().order_by("name", "held")


def _in_use(viewer: Viewer, start: int, stop: int | None) -> list[tuple[str, str]]:
    """The pairs of all images that a viewer is shown, in order."""
    asked = compose(
        IN_USE,
        current=viewer.current_link_predicate(),
        provides={"l"},
        parameters={"start": start, "stop": stop},
    )
    with read_connection().cursor() as cursor:
        execute_prepared(cursor, asked.text, asked.parameters)
        return list(cursor.fetchall())
