"""How many tags there are, and how many tags and links a viewer is shown, without counting them.

Triggers write each change down as a CounterDelta in the transaction of the change itself
(migration search/0002), which blocks nobody; the worker compacts them whenever it merges into the
tag index, so that there are few. Like the index, they are trusted unless a rebuild of it is due, a
row of `search_rebuild`: then tags and links are counted.
"""

from django.db.backends.utils import CursorWrapper

from images.visibility import LATEST_CREATED_SQL, Viewer
from taggedimages.postgresql.fragments import Fragment, bigint, bigints, compose
from taggedimages.postgresql.routing import read_connection

# The counter of all tags; below it, audience n has its links counted at AUDIENCE_COUNTER_BASE - n,
# and above it the tags that it is shown (AudienceTag) at n + 1.
# The triggers have these numbers too.
TAG_COUNTER_ID, AUDIENCE_COUNTER_BASE = -4, -10
# Of audiences, the one that everybody belongs to has the lowest number, 0.
AUDIENCE_COUNTER_ID_MAX = AUDIENCE_COUNTER_BASE

# Statement: one delta for each counter in place of all. Under the index's lock (index_transaction):
# of two at the same time, one would fail.
COMPACT = """
WITH deltas AS (DELETE FROM search_tally RETURNING of, change)
INSERT INTO search_tally (of, change)
SELECT of, sum(change) FROM deltas GROUP BY of HAVING sum(change) <> 0
"""

COUNTED = compose(
    """
SELECT {tags} AS of, count(*) AS counted FROM tags_tag
UNION ALL
SELECT {base} - audience, count(*) FROM tags_imagetag WHERE audience IS NOT NULL GROUP BY audience
UNION ALL
SELECT audience + 1, count(*) FROM tags_audiencetag GROUP BY audience
""",
    tags=bigint(TAG_COUNTER_ID),
    base=bigint(AUDIENCE_COUNTER_BASE),
)

# Statement: the deltas made anew from tags and links. Under the index's lock: what is compacted
# meanwhile would be counted twice.
RECOUNT = compose(
    """
WITH replaced AS (DELETE FROM search_tally)
INSERT INTO search_tally (of, change) {counted}
""",
    counted=COUNTED,
).text

WRONG_COUNTERS = compose(
    """
SELECT count(*) FROM ({counted}) rows_counted
FULL JOIN (SELECT of, sum(change) AS told FROM search_tally GROUP BY of) deltas USING (of)
WHERE coalesce(counted, 0) <> coalesce(told, 0)
""",
    counted=COUNTED,
).text

# Statement without parameters: one row with the number of tags.
COUNT_TAGS = compose(
    """
SELECT CASE WHEN EXISTS (SELECT FROM search_rebuild) THEN (SELECT count(*) FROM tags_tag)
       ELSE (SELECT coalesce(sum(change), 0)::bigint FROM search_tally WHERE of = {tags}) END
""",
    tags=bigint(TAG_COUNTER_ID),
)

# Links have no audience where the image has an end, and do not know when it will have begun.
COUNT_LINKS = """
SELECT CASE WHEN EXISTS (SELECT FROM search_rebuild)
    THEN (SELECT count(*) {links} WHERE {visible})
    ELSE (SELECT coalesce(sum(change), 0)::bigint FROM search_tally WHERE of {counters})
         + (SELECT count(*) {links} WHERE i.ended_at > statement_timestamp() AND {visible})
         - (SELECT count(*) {links}
            WHERE i.created_at > {latest} AND {base} - l.audience {counters}) END
"""


def count_tags() -> int:
    """How many tags there are, at the moment of the statement."""
    return _number(COUNT_TAGS)


def count_links(viewer: Viewer) -> int:
    """How many links there are to images that a viewer is shown, at the moment of the statement."""
    return _number(count_links_statement(viewer))


def count_links_statement(viewer: Viewer) -> Fragment:
    """The statement of `count_links`: one row with a bigint, no parameters.

    The viewer is a caller: of one project's links there is no counter.
    """
    if viewer.audiences is None:
        counters = compose("<= {last}", last=bigint(AUDIENCE_COUNTER_ID_MAX))
    else:
        ids = bigints(AUDIENCE_COUNTER_BASE - audience for audience in viewer.audiences)
        counters = compose("= ANY({ids})", ids=ids)
    return compose(
        COUNT_LINKS,
        provides={"i"},
        links=Fragment("FROM images_image i JOIN tags_imagetag l ON l.image_id = i.id"),
        visible=viewer.image_predicate(),
        latest=Fragment(LATEST_CREATED_SQL),
        base=bigint(AUDIENCE_COUNTER_BASE),
        counters=counters,
    )


def verify(cursor: CursorWrapper, repair: bool = False) -> int:
    """How many counters are wrong; with `repair`, all are right afterwards.

    Under the index's lock (`index_transaction`).
    """
    cursor.execute(WRONG_COUNTERS)
    (wrong,) = cursor.fetchone()
    if wrong and repair:
        cursor.execute(RECOUNT)
    return int(wrong)


def _number(statement: Fragment) -> int:
    with read_connection().cursor() as cursor:
        cursor.execute(statement.text, statement.parameters or None)
        return int(cursor.fetchone()[0])
