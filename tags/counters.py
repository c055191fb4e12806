"""How many tags there are, and how many links a viewer is shown: exactly, without counting them.

Triggers write down each change (migration 0002), which blocks nobody; the worker adds the entries
up whenever it folds, so that there are few. Like the index, they are trusted unless a rebuild is
due.
"""

from django.db.backends.utils import CursorWrapper

from images.visibility import LATEST_CREATED_SQL, Viewer
from taggedimages.postgresql.routing import read_connection

TAG_COUNTER_ID, AUDIENCE_COUNTER_BASE = -4, -10

# Run in `folding.one_state`, so that no two are at it.
ADD_UP = """
WITH entries AS (DELETE FROM search_tally RETURNING of, change)
INSERT INTO search_tally (of, change)
SELECT of, sum(change) FROM entries GROUP BY of HAVING sum(change) <> 0
"""

COUNTED = f"""
SELECT {TAG_COUNTER_ID} AS of, count(*) AS counted FROM tags_tag
UNION ALL
SELECT {AUDIENCE_COUNTER_BASE} - audience, count(*) FROM tags_imagetag
WHERE audience IS NOT NULL GROUP BY audience
"""

WRONG = f"""
SELECT count(*) FROM ({COUNTED}) c
FULL JOIN (SELECT of, sum(change) AS told FROM search_tally GROUP BY of) t USING (of)
WHERE coalesce(counted, 0) <> coalesce(told, 0)
"""

COUNT_ANEW = f"""
WITH replaced AS (DELETE FROM search_tally)
INSERT INTO search_tally (of, change) {COUNTED}
"""

TOLD = "SELECT coalesce(sum(change), 0) FROM search_tally WHERE of {of}"

TAGS = f"""
SELECT CASE WHEN EXISTS (SELECT FROM search_rebuild) THEN (SELECT count(*) FROM tags_tag)
       ELSE ({TOLD.format(of=f"= {TAG_COUNTER_ID}")}) END
"""

# Links have no audience where the image has an end, and do not know when it will have begun.
LINKS = f"""
SELECT CASE WHEN EXISTS (SELECT FROM search_rebuild)
    THEN (SELECT count(*) {{links}} WHERE {{visible}})
    ELSE ({TOLD}) + (SELECT count(*) {{links}} WHERE i.ended_at > statement_timestamp()
                     AND {{visible}})
                  - (SELECT count(*) {{links}} WHERE i.created_at > {LATEST_CREATED_SQL}
                     AND {AUDIENCE_COUNTER_BASE} - l.audience {{of}}) END
"""


def tags() -> int:
    """How many tags there are."""
    return _number(TAGS)


def links(viewer: Viewer) -> int:
    """How many links there are to images that a viewer is shown."""
    return _number(links_statement(viewer))


def links_statement(viewer: Viewer) -> str:
    """The statement that tells how many links a viewer is shown; it has no parameters."""
    of = f"<= {AUDIENCE_COUNTER_BASE + 1}"
    if viewer.audiences is not None:
        of = f"IN ({', '.join(str(AUDIENCE_COUNTER_BASE - audience) for audience in viewer.audiences)})"
    links = "FROM images_image i JOIN tags_imagetag l ON l.image_id = i.id"
    return LINKS.format(of=of, links=links, visible=viewer.image_predicate().text)


def verify(cursor: CursorWrapper, repair: bool = False) -> int:
    """How many tallies are wrong; with `repair`, they are counted anew. In `folding.one_state`."""
    cursor.execute(WRONG)
    (wrong,) = cursor.fetchone()
    if wrong and repair:
        cursor.execute(COUNT_ANEW)
    return int(wrong)


def _number(statement: str) -> int:
    with read_connection().cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.fetchone()[0])
