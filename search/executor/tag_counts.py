"""How many images have each of some tags, for whoever looks: of these tags alone, in a statement.

Superusers are told how many links there are, which the tag index knows as of its last merge, with
what has changed since. Staff of a project are told how many images of it they are shown with the
tag; of a tag that has bitmaps, as of the last merge too, since its links may be a million.
"""

from collections.abc import Collection

from images.visibility import Viewer
from search.index.project_terms import term_of
from taggedimages.postgresql.fragments import Fragment, bigint, bigints, statement
from taggedimages.postgresql.routing import read_connection

# Statements selecting (tag, count).
LINKS = """
SELECT g.tag, greatest(coalesce(z.links, 0) + coalesce(p.change, 0), 0)::bigint
FROM unnest({tags}) g (tag) LEFT JOIN search_setsize z ON z.set = g.tag
LEFT JOIN (
    SELECT tag, sum(change) AS change FROM (
        SELECT unnest(added) AS tag, 1 AS change FROM search_unindexed
        UNION ALL SELECT unnest(removed), -1 FROM search_unindexed
    ) changes WHERE tag = ANY({tags}) GROUP BY 1
) p ON p.tag = g.tag
"""
# OFFSET has the links of each tag looked up, instead of all links read.
OF_PROJECT = """
SELECT g.tag, CASE WHEN {has_bitmap} THEN (
    SELECT coalesce(sum(bit_count(b.bits & p.bits)), 0)::bigint
    FROM search_bitmap p JOIN search_bitmap b ON b.block = p.block AND b.set = g.tag
    WHERE p.set = {term}
) ELSE (
    SELECT count(*)
    FROM (SELECT FROM tags_imagetag l WHERE l.tag_id = g.tag AND {current} OFFSET 0) links
) END
FROM unnest({tags}) g (tag)
"""
HAS_BITMAP = "EXISTS (SELECT FROM search_setsize z WHERE z.set = g.tag AND z.heavy)"


def count_by_tag(tags: Collection[int], viewer: Viewer) -> dict[int, int]:
    """How many images have each of some tags, by their ids. One statement, two for a project."""
    if not tags:
        return {}
    if viewer.project is None:
        asked = statement(LINKS, tags=bigints(tags))
    else:
        term = term_of(viewer.project)
        asked = statement(
            OF_PROJECT,
            provides={"l"},
            tags=bigints(tags),
            has_bitmap=Fragment("false" if term is None else HAS_BITMAP),
            term=bigint(term or 0),
            current=viewer.current_link_predicate(),
        )
    with read_connection().cursor() as cursor:
        cursor.execute(asked.text, asked.parameters or None)
        return dict(cursor.fetchall())
