"""The most frequent tags of all that a query finds: exactly, at the moment of one statement.

Where few match, their links are read. Where many do, bitmaps count the dense tags, and of the
sparse ones only those are counted, link by link, that have enough links to come up with the last
one in the list.
"""

from typing import TypedDict

from django.db.models import Count

from images.querysets import ImageQuerySet
from search.executor import bitmaps, counts, pages
from search.executor.bitmaps import TO_RECHECK
from search.executor.predicates import matches
from search.index.bits import BLOCK_SQL, EMPTY_BITS, IN_BLOCK, single_bit
from search.planner.paths import AccessPath
from taggedimages.postgresql.fragments import Fragment, compose, join, statement
from taggedimages.postgresql.routing import read_connection
from tags.models import ImageTag

# Tags and their counts come from the CTE `counts (tag, count)`.
TOP = """
{counts}
SELECT t.id, t.name, top.count FROM (
    SELECT tag, count FROM counts ORDER BY count DESC FETCH FIRST {most} ROWS WITH TIES
) top JOIN tags_tag t ON t.id = top.tag
ORDER BY top.count DESC, t.folded, t.name LIMIT {most}
"""

BY_LINKS = """
WITH counts AS (
    SELECT l.tag_id AS tag, count(*) AS count
    FROM ({found}) found JOIN tags_imagetag l ON l.image_id = found.image GROUP BY 1
)
"""

# `late` are images that changed a moment ago, or have an end ahead: judged by their records.
BY_BITMAPS = """
WITH recheck AS MATERIALIZED ({to_recheck}),
out AS (
    SELECT (image / {block})::int AS block, bit_or({bit}) AS bits FROM ({excluded}) o GROUP BY 1
), sparse AS (
    SELECT (image / {block})::int AS block, bit_or({bit}) AS bits FROM ({sparse}) l GROUP BY 1
), found AS MATERIALIZED (
    SELECT block, (coalesce(m.bits, {empty}) & ~coalesce(out.bits, {empty}))
                  | coalesce(sparse.bits, {empty}) AS bits
    FROM ({matching}) m LEFT JOIN out USING (block) FULL JOIN sparse USING (block)
), late AS MATERIALIZED (
    SELECT l.tag_id AS tag, count(*) AS count
    FROM images_image i JOIN tags_imagetag l ON l.image_id = i.id
    WHERE i.id IN (SELECT image FROM recheck) AND {matches} GROUP BY 1
), of_dense AS MATERIALIZED (
    SELECT set AS tag, sum(bit_count(b.bits & found.bits)) AS count
    FROM search_setsize z JOIN search_bitmap b USING (set) JOIN found USING (block)
    WHERE z.heavy GROUP BY 1
), last AS (
    SELECT CASE WHEN count(*) = {most} THEN min(count) ELSE 0 END AS count
    FROM (SELECT count FROM of_dense ORDER BY count DESC LIMIT {most}) top
), of_sparse AS (
    SELECT candidate.tag, count(*) AS count
    FROM (
        SELECT set AS tag FROM search_setsize z LEFT JOIN late ON late.tag = set
        WHERE NOT heavy AND set > 0
        AND links + coalesce(late.count, 0) >= (SELECT count FROM last)
    ) candidate
    -- OFFSET has the links of each looked up, instead of all links read.
    CROSS JOIN LATERAL (
        SELECT image_id FROM tags_imagetag WHERE tag_id = candidate.tag OFFSET 0
    ) l
    JOIN found ON found.block = l.image_id / {block}
    WHERE get_bit(found.bits, (l.image_id & {in_block})::int) = 1 GROUP BY 1
), counts AS (
    SELECT tag, sum(count)::bigint AS count
    FROM (TABLE of_dense UNION ALL TABLE of_sparse UNION ALL TABLE late) every
    GROUP BY 1 HAVING sum(count) > 0
)
"""
SPARSE_IMAGES, NO_SPARSE_IMAGES = (
    "SELECT l.image_id AS image FROM {links}",
    Fragment("SELECT 0 AS image WHERE false"),
)


class TagCount(TypedDict):
    """A tag, and how many of the images have it."""

    id: int
    name: str
    count: int


def facets(path: AccessPath) -> list[TagCount]:
    """The most frequent tags of all that matches a path, so many as its thresholds say, equal ones
    by name.

    Two statements, one where nothing matches.
    """
    counted = counts.count(path)
    if not counted.images:
        return []
    if counted.by_bitmaps and counted.images > path.thresholds.facet_images_by_links_max:
        by = _by_bitmaps(path)
    else:
        by = compose(BY_LINKS, found=pages.scan(path, counted, None))
    asked = statement(TOP, counts=by, most=Fragment(str(path.thresholds.facet_tags_max)))
    with read_connection().cursor() as cursor:
        cursor.execute(asked.text, asked.parameters)
        return [TagCount(id=tag, name=name, count=count) for tag, name, count in cursor.fetchall()]


def facets_of(images: ImageQuerySet, most: int) -> list[TagCount]:
    """So many of the most frequent tags of some images as a queryset.

    One statement, which reads all their links.
    """
    links = ImageTag.objects.filter(image__in=images.order_by().values("pk"))
    counted = links.values("tag_id", "tag__name").annotate(count=Count("pk"))
    top = counted.order_by("-count", "tag__folded", "tag__name")[:most]
    rows = top.values_list("tag_id", "tag__name", "count")
    return [TagCount(id=tag, name=name, count=count) for tag, name, count in rows]


def _by_bitmaps(path: AccessPath) -> Fragment:
    resolved = path.resolved
    sparse = [compose(SPARSE_IMAGES, links=links) for links in bitmaps.sparse_matches(path)]
    return compose(
        BY_BITMAPS,
        provides=["recheck", "i"],
        most=Fragment(str(path.thresholds.facet_tags_max)),
        to_recheck=TO_RECHECK,
        excluded=bitmaps.excluded(resolved),
        sparse=join(" UNION ALL ", sparse) if sparse else NO_SPARSE_IMAGES,
        matching=bitmaps.matching(resolved, resolved.clauses),
        matches=matches(path),
        bit=single_bit("image"),
        empty=EMPTY_BITS,
        block=BLOCK_SQL,
        in_block=IN_BLOCK,
    )
