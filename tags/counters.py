"""How many tags there are, and how many tags and links a viewer is shown, without counting them.

Triggers write each change down as a CounterDelta in the transaction of the change itself
(migration search/0002), which blocks nobody; the worker compacts them whenever it merges into the
tag index, so that there are few. Like the index, they are trusted unless a rebuild of it is due, a
row of `search_rebuild`: then tags and links are counted.
"""

from django.db import connection
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

# Links that everybody is shown are counted for each block of so many ids, so that those before a
# place are summed up and only its block is walked. Triggers have this number too.
BLOCK_BITS = 14

COMPACT = """
WITH due AS MATERIALIZED (
    SELECT of, block, sum(change) AS change, array_agg(id) AS ids FROM search_tally
    GROUP BY of, block HAVING count(*) > 1 OR sum(change) = 0
), replaced AS (
    DELETE FROM search_tally WHERE id IN (SELECT unnest(ids) FROM due)
)
INSERT INTO search_tally (of, block, change) SELECT of, block, change FROM due WHERE change <> 0
"""
# Links that were counted without blocks: before migration tags/0032, or by what was under way then.
ARE_WITHOUT_BLOCKS = compose(
    "SELECT EXISTS (SELECT FROM search_tally WHERE of = {everybody} AND block IS NULL)",
    everybody=bigint(AUDIENCE_COUNTER_BASE),
).text
COUNT_BLOCKS = compose(
    """
WITH replaced AS (DELETE FROM search_tally WHERE of = {everybody})
INSERT INTO search_tally (of, block, change)
SELECT {everybody}, id >> {bits}, count(*) FROM tags_imagetag WHERE audience = 0 GROUP BY 2
""",
    everybody=bigint(AUDIENCE_COUNTER_BASE),
    bits=Fragment(str(BLOCK_BITS)),
).text

COUNTED = compose(
    """
SELECT {tags} AS of, NULL::bigint AS block, count(*) AS counted FROM tags_tag
UNION ALL
SELECT {base} - audience, CASE WHEN audience = 0 THEN id >> {bits} END, count(*)
FROM tags_imagetag WHERE audience IS NOT NULL GROUP BY 1, 2
UNION ALL
SELECT audience + 1, NULL, count(*) FROM tags_audiencetag GROUP BY audience
""",
    tags=bigint(TAG_COUNTER_ID),
    base=bigint(AUDIENCE_COUNTER_BASE),
    bits=Fragment(str(BLOCK_BITS)),
)

# Statement: the deltas made anew from tags and links. Under the index's lock: what is compacted
# meanwhile would be counted twice.
RECOUNT = compose(
    """
WITH replaced AS (DELETE FROM search_tally)
INSERT INTO search_tally (of, block, change) {counted}
""",
    counted=COUNTED,
).text

WRONG_COUNTERS = compose(
    """
SELECT count(*) FROM (
    SELECT of, block FROM (
        SELECT of, block, counted AS links FROM ({counted}) rows_counted
        UNION ALL SELECT of, block, -change FROM search_tally
    ) differences GROUP BY of, block HAVING sum(links) <> 0
) wrong
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

# Where among the links that a viewer is shown, by id, the one after `start` of them is looked for:
# selects (key, passed), the first id of a block, and how many links are before that. No row where
# counters do not tell: while a rebuild is due or blocks are not counted yet, beyond the end, or
# where links have other audiences of the viewer's too.
STARTED_NEAR = """
SELECT block << {bits} AS key, passed FROM (
    SELECT block, sum(links) OVER (ORDER BY block) - links AS passed, links FROM (
        SELECT block, sum(change) AS links FROM (
            SELECT block, change FROM search_tally WHERE of = {base}
            UNION ALL
            SELECT l.id >> {bits}, 1 {links} WHERE i.ended_at > statement_timestamp() AND {visible}
            UNION ALL
            SELECT l.id >> {bits}, -1 {links} WHERE i.created_at > {latest} AND l.audience = 0
        ) changes GROUP BY block
    ) blocks
) ranked
WHERE passed <= %(start)s AND %(start)s < passed + links
AND NOT EXISTS (SELECT FROM search_rebuild)
AND NOT EXISTS (SELECT FROM search_tally WHERE of = {base} AND block IS NULL)
AND (SELECT coalesce(sum(change), 0) FROM search_tally WHERE of {counters}) = 0
"""


def are_without_blocks() -> bool:
    """Whether links were counted that are not by blocks yet."""
    with connection.cursor() as cursor:
        cursor.execute(ARE_WITHOUT_BLOCKS)
        return bool(cursor.fetchone()[0])


def compact(cursor: CursorWrapper) -> None:
    """Put one delta for each counter and block in place of all of these; count links by blocks that
    were not, once.

    Under the index's lock (`index_transaction`): of two at the same time, one would fail.
    """
    cursor.execute(ARE_WITHOUT_BLOCKS)
    if cursor.fetchone()[0]:
        cursor.execute(COUNT_BLOCKS)
    cursor.execute(COMPACT)


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
    return _of_links(COUNT_LINKS, viewer, _counters(viewer))


def near_link_statement(viewer: Viewer) -> Fragment:
    """SQL selecting (key, passed), or nothing: a link id shortly before the page that starts
    `start` links on, and how many that the viewer is shown have lower ones (STARTED_NEAR)."""
    return _of_links(STARTED_NEAR, viewer, _counters(viewer, but=1))


def _of_links(template: str, viewer: Viewer, counters: Fragment) -> Fragment:
    return compose(
        template,
        provides={"i"},
        links=Fragment("FROM images_image i JOIN tags_imagetag l ON l.image_id = i.id"),
        visible=viewer.image_predicate(),
        latest=Fragment(LATEST_CREATED_SQL),
        base=bigint(AUDIENCE_COUNTER_BASE),
        bits=Fragment(str(BLOCK_BITS)),
        counters=counters,
    )


def _counters(viewer: Viewer, but: int = 0) -> Fragment:
    """Which counters are a viewer's, but so many of the first: that of EVERYBODY comes first."""
    if viewer.audiences is None:
        return compose("<= {last}", last=bigint(AUDIENCE_COUNTER_ID_MAX - but))
    ids = bigints(AUDIENCE_COUNTER_BASE - audience for audience in viewer.audiences[but:])
    return compose("= ANY({ids})", ids=ids)


def verify(cursor: CursorWrapper, repair: bool = False) -> int:
    """How many counters are wrong; with `repair`, all are right afterwards.

    Under the index's lock (`index_transaction`).
    """
    compact(cursor)
    cursor.execute(WRONG_COUNTERS)
    (wrong,) = cursor.fetchone()
    if wrong and repair:
        cursor.execute(RECOUNT)
    return int(wrong)


def _number(statement: Fragment) -> int:
    with read_connection().cursor() as cursor:
        cursor.execute(statement.text, statement.parameters or None)
        return int(cursor.fetchone()[0])
