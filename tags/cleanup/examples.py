"""Some images for each tag of a few rows, so that one sees what it is used for."""

from collections.abc import Sequence

from django.db import connection

from images.visibility import Viewer
from tags.cleanup.models import Finding, Kind

MOST = 3

SOME = """
SELECT t.id, ARRAY(
    SELECT image_id FROM tags_imagetag WHERE tag_id = t.id AND audience IS NOT NULL LIMIT %(most)s
)
FROM unnest(%(tags)s::bigint[]) t (id)
"""
# Rows of which the images that both tags have tell more.
BY_IMAGES = (Kind.CONTRADICTION.value, Kind.ONCE.value)


def examples(rows: Sequence[Finding], viewer: Viewer) -> dict[tuple[int, int], list[int]]:
    """Ids of images by row and tag, whoever may see them. One statement at most.

    Where a project looks as such, the one of its images that the sweep has named.
    """
    found: dict[tuple[int, int], list[int]] = {}
    sides = []
    for row in rows:
        if row.kind in BY_IMAGES:
            found[row.pk, row.tag_id] = list(row.examples)
        elif viewer.project is not None:
            _, image, _, other_image = row.projects.get(viewer.project, (0, 0, 0, 0))
            found[row.pk, row.tag_id] = [image]
            if row.other_id:
                found[row.pk, row.other_id] = [other_image]
        else:
            sides += [(row.pk, tag) for tag in (row.tag_id, row.other_id) if tag]
    if sides:
        with connection.cursor() as cursor:
            cursor.execute(SOME, {"tags": [tag for _, tag in sides], "most": MOST})
            some = dict(cursor.fetchall())
        found |= {side: some.get(side[1], []) for side in sides}
    return found
