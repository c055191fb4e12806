"""Which projects have images with the tags of a row, so that their staff is shown it."""

from collections.abc import Sequence

from django.db import connection

# Of a tag with more links, no more are looked at.
LINKS_MOST = 100_000
# Of more, the first by name are kept.
PROJECTS_MOST = 100

# Writes into rows, by project: [images with the tag, one of them, images with the other, one of
# them]. Of a row of one tag, the other's are 0.
TELL = """
WITH rows AS MATERIALIZED (
    SELECT id, tag_id, other_id FROM tags_finding WHERE id = ANY(%(rows)s)
), tagged AS MATERIALIZED (
    SELECT t.tag_id, i.project_id, count(*) AS images, max(i.id) AS image
    FROM (SELECT tag_id FROM rows UNION SELECT other_id FROM rows WHERE other_id IS NOT NULL) t,
    LATERAL (SELECT image_id FROM tags_imagetag WHERE tag_id = t.tag_id LIMIT %(links)s) l
    JOIN images_image i ON i.id = l.image_id
    WHERE i.ended_at IS NULL OR i.ended_at > statement_timestamp()
    GROUP BY 1, 2
), told AS (
    SELECT r.id, (SELECT coalesce(jsonb_object_agg(p.project_id, p.told), '{}') FROM (
        SELECT project_id, jsonb_build_array(
            coalesce(max(images) FILTER (WHERE tag_id = r.tag_id), 0),
            coalesce(max(image) FILTER (WHERE tag_id = r.tag_id), 0),
            coalesce(max(images) FILTER (WHERE tag_id = r.other_id), 0),
            coalesce(max(image) FILTER (WHERE tag_id = r.other_id), 0)
        ) AS told
        FROM tagged WHERE tag_id IN (r.tag_id, r.other_id)
        GROUP BY project_id ORDER BY project_id LIMIT %(projects)s
    ) p) AS projects
    FROM rows r
)
UPDATE tags_finding f SET projects = told.projects FROM told
WHERE told.id = f.id AND f.projects IS DISTINCT FROM told.projects
"""
NEXT = """
SELECT id FROM tags_finding WHERE sweep = %(sweep)s AND id > %(after)s ORDER BY id LIMIT %(most)s
"""


def next_rows(after: int, most: int, sweep: int) -> list[int]:
    """The next rows of a sweep, by id."""
    with connection.cursor() as cursor:
        cursor.execute(NEXT, {"sweep": sweep, "after": after, "most": most})
        return [row for (row,) in cursor.fetchall()]


def tell(rows: Sequence[int]) -> None:
    """Write into rows which projects have their tags."""
    with connection.cursor() as cursor:
        most = {"links": LINKS_MOST, "projects": PROJECTS_MOST}
        cursor.execute(TELL, {"rows": list(rows), **most})
