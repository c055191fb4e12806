"""How many images match an access path: exactly, at the moment of one statement.

By rows: the links of the rarest clause are read in the index, and the other clauses are probed. By
bitmaps, where that would be many: whole blocks of images are compared at once, or a term's
statistics say it. What these cannot know, images that changed a moment ago or have an end ahead, is
taken out of them and rechecked by their records, in the same statement and so in the same state of
the database.
"""

from typing import Any

from images.visibility import LATEST_CREATED_SQL
from search.executor import bitmaps, count_cache, since
from search.executor.bitmaps import ALL_IMAGES, NEWEST_BLOCKS
from search.executor.matches import NO_MATCHES, MatchCount
from search.executor.predicates import (
    AND,
    IS_UNENDED,
    LINK_CREATED,
    LINK_IMAGE,
    RECORD_CREATED,
    RECORD_ID,
    all_but_driving,
    is_judged,
    matches,
    window,
)
from search.index.bits import BLOCK_SQL, IN_BLOCK
from search.planner.paths import AccessPath, CountBy
from taggedimages.postgresql.fragments import Fragment, bigint, bigints, compose, join, statement
from taggedimages.postgresql.prepared import execute_prepared
from taggedimages.postgresql.routing import read_connection

# Selects (images, ending, trusted, all_images, newest_blocks), as all statements here do.
BY_STATISTICS = """
WITH {since} recheck AS MATERIALIZED ({to_recheck}),
m AS ({matching}),
rechecked AS (
    SELECT count(*) AS images,
           count(*) FILTER (WHERE i.ended_at > statement_timestamp()) AS ending
    FROM images_image i WHERE i.id IN (SELECT image FROM recheck) AND {matches}
)
SELECT (SELECT coalesce(sum(shown), 0) FROM search_setsize WHERE set = {term})
       - (SELECT count(*) FROM recheck JOIN m ON m.block = recheck.image / {block}
          WHERE get_bit(m.bits, (recheck.image & {in_block})::int) = 1)
       + images, ending, {trusted}, {all_images}, {newest_blocks}
FROM rechecked
"""

# Images that have an end ahead, or changed since an instant, are in no scan of links, and few.
BY_ROWS = """
{since} SELECT (SELECT count({counted}) FROM {rows}) + judged, ending, true, {all_images}, 0
FROM (SELECT count(*) AS judged,
             count(*) FILTER (WHERE i.ended_at > statement_timestamp()) AS ending
      FROM images_image i WHERE {is_judged} AND {matches}) e
"""
ROWS_OF_IMAGES = "images_image i WHERE {asked}"
ROWS_OF_LINKS = "tags_imagetag l WHERE {asked}"


def count(path: AccessPath) -> MatchCount:
    """How many match. One statement; another where the bitmaps are not to be trusted now."""
    match path.count_by:
        case CountBy.NOTHING:
            return NO_MATCHES
        case CountBy.TERM_STATISTICS:
            images, ending, trusted, *shape = _execute(_by_statistics(path))
            if trusted:
                return MatchCount(int(images), ending, True, *shape)
        case CountBy.BITMAPS:
            counted = count_cache.count(path)
            if counted:
                return counted
    images, ending, _, *shape = _execute(_by_rows(path))
    return MatchCount(images, ending, False, *shape)


def _execute(asked: Fragment) -> Any:
    with read_connection().cursor() as cursor:
        execute_prepared(cursor, asked.text, asked.parameters)
        return cursor.fetchone()


def _by_statistics(path: AccessPath) -> Fragment:
    resolved = path.resolved
    return statement(
        BY_STATISTICS,
        provides=["recheck", "m", "i", *since.provided(resolved)],
        since=since.first(resolved),
        to_recheck=bitmaps.to_recheck(resolved),
        matching=bitmaps.matching(resolved, resolved.clauses),
        matches=matches(path),
        term=bigint(path.counted_term or 0),
        block=BLOCK_SQL,
        in_block=IN_BLOCK,
        trusted=bitmaps.is_trusted(resolved, path.thresholds),
        all_images=ALL_IMAGES,
        newest_blocks=NEWEST_BLOCKS,
    )


def _by_rows(path: AccessPath) -> Fragment:
    """The links of the rarest clause, or the images of the window, counted one by one."""
    resolved = path.resolved
    if resolved.clauses:
        driving, *others = resolved.clauses
        counted = "DISTINCT l.image_id" if len(driving.tag_ids) > 1 else "*"
        created, image = LINK_CREATED, LINK_IMAGE
        conditions = [
            compose("l.tag_id = ANY({tags})", tags=bigints(driving.tag_ids)),
            resolved.viewer.link_predicate("l"),
            compose("l.image_created_at <= {latest}", latest=Fragment(LATEST_CREATED_SQL)),
        ]
    else:
        counted, others = "*", []
        created, image = RECORD_CREATED, RECORD_ID
        conditions = [IS_UNENDED, resolved.viewer.image_predicate()]
    conditions += [
        *window(resolved, created),
        *all_but_driving(path, image, others, of_all=not (resolved.clauses or resolved.window)),
        *since.unchanged(resolved, image),
    ]
    relation, alias = (ROWS_OF_LINKS, "l") if resolved.clauses else (ROWS_OF_IMAGES, "i")
    rows = compose(relation, provides=[alias], asked=join(AND, conditions))
    return statement(
        BY_ROWS,
        provides=["i", *since.provided(resolved)],
        since=since.opening(resolved),
        is_judged=is_judged(resolved),
        counted=Fragment(counted),
        rows=rows,
        matches=matches(path),
        all_images=ALL_IMAGES,
    )
