"""The projects whose images are sets of the tag index, so that each is counted and paged alone."""

from django.db import connection

from search.index import terms
from search.index.merging import (
    INTO_INDEX,
    REGISTER,
    bit,
    one_state,
    spans,
    unless_busy,
)
from search.models import BLOCK
from taggedimages.postgresql.prepared import execute_prepared
from taggedimages.postgresql.routing import read_connection

DUE = """
SELECT EXISTS (SELECT FROM identity_project p
               WHERE NOT EXISTS (SELECT FROM search_projectset s WHERE s.project_id = p.id))
"""

BITS = f"""
SELECT {terms.PROJECTS} - p.id, (i.id / {BLOCK})::int, bit_or({bit("i.id")})
FROM images_image i JOIN search_projectset p USING (project_id)
WHERE p.id = ANY(%(projects)s) AND i.ended_at IS NULL AND i.id >= %(first)s AND i.id < %(beyond)s
GROUP BY 1, 2
"""

# A new project has no images, and those of all others need not be looked at for it.
WITH_IMAGES = """
SELECT coalesce(array_agg(p.id), '{}') FROM search_projectset p
WHERE p.id = ANY(%s) AND EXISTS (SELECT FROM images_image i WHERE i.project_id = p.project_id)
"""


def term_of(project_id: str) -> int | None:
    """The set of a project's images; None where the index does not know it yet."""
    with read_connection().cursor() as cursor:
        execute_prepared(
            cursor, "SELECT id FROM search_projectset WHERE project_id = %s", [project_id]
        )
        found = cursor.fetchone()
        return terms.of_project(found[0]) if found else None


def due() -> bool:
    """Whether there is a project that the index does not know."""
    with connection.cursor() as cursor:
        cursor.execute(DUE)
        return bool(cursor.fetchone()[0])


def adopt() -> None:
    """Take in all projects that the index does not know, with the images that they have.

    Not while another process is at the index.
    """
    with unless_busy(), one_state("NOWAIT") as cursor:
        cursor.execute(REGISTER)
        cursor.execute(WITH_IMAGES, [[project for (project,) in cursor.fetchall()]])
        (new,) = cursor.fetchone()
        for span in spans(cursor) if new else ():
            cursor.execute(INTO_INDEX + BITS, {"projects": new, **span})
