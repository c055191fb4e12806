"""The projects whose images are a term of the index, so that each is counted and paged alone."""

from django.db import connection

from search.index import terms
from search.index.bits import block_of, single_bit
from search.index.building import REGISTER_PROJECTS, spans
from search.index.locking import index_transaction, unless_busy
from search.index.writing import in_order
from taggedimages.postgresql.fragments import Fragment, compose
from taggedimages.postgresql.prepared import execute_prepared
from taggedimages.postgresql.routing import read_connection

ARE_DUE = """
SELECT EXISTS (SELECT FROM identity_project p
               WHERE NOT EXISTS (SELECT FROM search_projectset s WHERE s.project_id = p.id))
"""

# SQL selecting (set, block, bits) of a span for the new `projects`.
BITS = compose(
    """
SELECT {projects} - p.id, {block}, bit_or({bit})
FROM images_image i JOIN search_projectset p USING (project_id)
WHERE p.id = ANY(%(projects)s) AND i.ended_at IS NULL AND i.id >= %(first)s AND i.id < %(beyond)s
GROUP BY 1, 2
""",
    projects=Fragment(str(terms.PROJECTS)),
    block=block_of("i.id"),
    bit=single_bit("i.id"),
).text

# A new project has no images, and those of all others need not be looked at for it.
WITH_IMAGES = """
SELECT coalesce(array_agg(p.id), '{}') FROM search_projectset p
WHERE p.id = ANY(%s) AND EXISTS (SELECT FROM images_image i WHERE i.project_id = p.project_id)
"""
TERM_OF = "SELECT id FROM search_projectset WHERE project_id = %s"


def term_of(project_id: str) -> int | None:
    """The term of a project's images; None where the index does not know it yet."""
    with read_connection().cursor() as cursor:
        execute_prepared(cursor, TERM_OF, [project_id])
        found = cursor.fetchone()
        return terms.of_project(found[0]) if found else None


def are_due() -> bool:
    """Whether there is a project that the index does not know."""
    with connection.cursor() as cursor:
        cursor.execute(ARE_DUE)
        return bool(cursor.fetchone()[0])


def adopt() -> None:
    """Take in all projects that the index does not know, with the images that they have.

    Not while another process is at the index.
    """
    with unless_busy(), index_transaction(nowait=True) as cursor:
        cursor.execute(REGISTER_PROJECTS)
        cursor.execute(WITH_IMAGES, [[project for (project,) in cursor.fetchall()]])
        (new,) = cursor.fetchone()
        if new:
            with in_order(cursor) as into:
                for span in spans(cursor):
                    cursor.execute(into + BITS, {"projects": new, **span})
