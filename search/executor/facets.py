"""The most frequent tags of all that a query finds: exactly, at the moment of one statement.

Where few match, their links are read. Where many do, bitmaps count: first the dense tags that have
most links, and then only those, dense ones and sparse ones, that have enough links to come up with
the last of these. Where all images were asked for, the index's statistics have the counts of dense
tags among those that everybody sees; bitmaps count only what the viewer sees besides.

Links of an alias count as its target's. An image may have both, so these are counted by themselves.
"""

from typing import TypedDict

from django.db.models import Count
from django.db.models.functions import Coalesce

from images.querysets import ImageQuerySet
from images.visibility import EVERYBODY
from search.executor import bitmaps, counts, pages
from search.executor.bitmaps import TO_RECHECK
from search.executor.matches import MatchCount
from search.executor.predicates import matches
from search.index import terms
from search.index.bits import BLOCK_SQL, EMPTY_BITS, IN_BLOCK, single_bit
from search.planner.paths import AccessPath
from taggedimages.postgresql.fragments import Fragment, bigints, compose, join, statement
from taggedimages.postgresql.prepared import execute_prepared
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

# Where aliases have links, `grouped` are these with their targets, and the targets.
LINKED_ALIASES = """
SELECT a.id, a.alias_of_id FROM tags_tag a WHERE a.alias_of_id IS NOT NULL
AND EXISTS (SELECT FROM tags_imagetag l WHERE l.tag_id = a.id OFFSET 0)
"""
GROUPED = "SELECT g.tag, g.target FROM unnest({tags}, {targets}) g (tag, target)"

# From the CTE `linked (tag_id, image_id)`, without aliases and with them.
COUNTS = Fragment("counts AS (SELECT tag_id AS tag, count(*) AS count FROM linked GROUP BY 1)")
COUNTS_OF_TARGETS = Fragment("""
counts AS (
    SELECT tag_id AS tag, count(*) AS count FROM linked
    WHERE tag_id NOT IN (SELECT tag FROM grouped) GROUP BY 1
    UNION ALL
    SELECT g.target, count(DISTINCT l.image_id)
    FROM linked l JOIN grouped g ON g.tag = l.tag_id GROUP BY 1
)
""")
BY_LINKS = """
WITH grouped AS MATERIALIZED ({grouped}),
linked AS (
    SELECT l.tag_id, l.image_id
    FROM ({scanned}) found JOIN tags_imagetag l ON l.image_id = found.image
), {counts}
"""

# What bitmaps find, (block, bits), without images that changed a moment ago, or have an end ahead:
# these are judged by their records.
FOUND = """
recheck AS MATERIALIZED ({to_recheck}),
grouped AS MATERIALIZED ({grouped}),
m AS MATERIALIZED ({matching}),
out AS MATERIALIZED (
    SELECT (image / {block})::int AS block, bit_or({bit}) AS bits FROM ({excluded}) o GROUP BY 1
), sparse AS (
    SELECT (image / {block})::int AS block, bit_or({bit}) AS bits FROM ({sparse}) l GROUP BY 1
), found AS MATERIALIZED (
    SELECT block, (coalesce(m.bits, {empty}) & ~coalesce(out.bits, {empty}))
                  | coalesce(sparse.bits, {empty}) AS bits
    FROM m LEFT JOIN out USING (block) FULL JOIN sparse USING (block)
)
"""

# The images of few: OFFSET has the links of each looked up, instead of all links read.
BY_LINKS_OF_FOUND = """
WITH {found}, linked AS (
    SELECT l.tag_id, image AS image_id
    FROM ({ones} UNION ALL
          SELECT i.id FROM images_image i WHERE i.id IN (SELECT image FROM recheck) AND {matches}
    ) images CROSS JOIN LATERAL (
        SELECT tag_id FROM tags_imagetag WHERE image_id = image OFFSET 0
    ) l
), {counts}
"""

# `bound` is what a dense tag can have at most, {count} how many of what bitmaps find have it. What
# everybody sees and does not count is `lost`; what is found and not everybody sees is `besides`.
# Of a sparse tag so many links are read first that enough of them ought not to count for it to be
# out of question: `reads`, null where that is all. What was rechecked is not found, and may count.
BY_BITMAPS = """
WITH {found}, late AS MATERIALIZED (
    SELECT coalesce(g.target, l.tag_id) AS tag, count(DISTINCT i.id) AS count
    FROM images_image i JOIN tags_imagetag l ON l.image_id = i.id
    LEFT JOIN grouped g ON g.tag = l.tag_id
    WHERE i.id IN (SELECT image FROM recheck) AND {matches} GROUP BY 1
), shown AS MATERIALIZED (
    SELECT block, bits FROM search_bitmap WHERE set = {shown}
), lost AS MATERIALIZED (
    SELECT block, shown.bits & out.bits AS bits FROM shown JOIN out USING (block)
), besides AS MATERIALIZED (
    SELECT block, bits FROM (
        SELECT block, found.bits & ~coalesce(shown.bits, {empty}) AS bits
        FROM found LEFT JOIN shown USING (block)
    ) blocks WHERE bit_count(bits) > 0
), dense AS MATERIALIZED (
    SELECT set AS tag, shown, {bound} AS bound FROM search_setsize
    WHERE heavy AND set > 0 AND set NOT IN (SELECT tag FROM grouped)
), of_first AS MATERIALIZED (
    SELECT tag, {count} AS count
    FROM (SELECT * FROM dense ORDER BY bound DESC LIMIT {most}) dense
), last AS MATERIALIZED (
    SELECT CASE WHEN count(*) = {most} THEN min(count)::bigint ELSE 0 END AS count FROM of_first
), of_other AS MATERIALIZED (
    SELECT tag, {count} AS count
    FROM (SELECT dense.* FROM dense LEFT JOIN late USING (tag)
          WHERE bound + coalesce(late.count, 0) >= (SELECT count FROM last)
          AND tag NOT IN (SELECT tag FROM of_first)) dense
), last_dense AS MATERIALIZED (
    SELECT CASE WHEN count(*) = {most} THEN min(count)::bigint ELSE 0 END AS count
    FROM (SELECT count FROM (TABLE of_first UNION ALL TABLE of_other) dense
          ORDER BY count DESC LIMIT {most}) most
), candidate AS MATERIALIZED (
    SELECT set AS tag, links, needed,
           nullif(least((links - needed + 1) * {reads}, links), links)::bigint AS reads
    FROM search_setsize, (
        SELECT (SELECT count FROM last_dense) - coalesce((SELECT max(count) FROM late), 0) AS needed
    ) n WHERE NOT heavy AND set > 0 AND set NOT IN (SELECT tag FROM grouped) AND links >= needed
), of_some AS MATERIALIZED (
    SELECT tag, needed, reads, count,
           links - (read - count) + (SELECT count(*) FROM recheck) AS bound
    FROM candidate CROSS JOIN LATERAL (
        SELECT count(*) AS read,
               count(*) FILTER (WHERE get_bit(bits, (image_id & {in_block})::int) = 1) AS count
        FROM (SELECT image_id FROM tags_imagetag WHERE tag_id = candidate.tag LIMIT reads) l
        LEFT JOIN found ON block = image_id / {block}
    ) first_read
), of_sparse AS (
    SELECT tag, count FROM of_some WHERE reads IS NULL
    UNION ALL
    SELECT tag, (
        SELECT count(*)
        FROM (SELECT image_id FROM tags_imagetag WHERE tag_id = of_some.tag OFFSET 0) l
        JOIN found ON block = image_id / {block}
        WHERE get_bit(bits, (image_id & {in_block})::int) = 1
    ) FROM of_some WHERE reads IS NOT NULL AND bound >= needed
), of_grouped AS (
    SELECT tag, sum(bit_count(bits)) AS count FROM (
        SELECT target AS tag, block, bit_or(bits) AS bits FROM (
            SELECT g.target, block, b.bits & found.bits AS bits
            FROM grouped g JOIN search_setsize z ON z.set = g.tag AND z.heavy
            JOIN search_bitmap b ON b.set = g.tag JOIN found USING (block)
            UNION ALL
            SELECT g.target, found.block, l.bits & found.bits
            FROM grouped g CROSS JOIN LATERAL (
                SELECT (image_id / {block})::int AS block, bit_or({link_bit}) AS bits
                FROM tags_imagetag WHERE tag_id = g.tag GROUP BY 1
            ) l JOIN found ON found.block = l.block
            WHERE NOT EXISTS (SELECT FROM search_setsize z WHERE z.set = g.tag AND z.heavy)
        ) members GROUP BY 1, 2
    ) blocks GROUP BY 1
), counts AS (
    SELECT tag, sum(count)::bigint AS count
    FROM (
        TABLE of_first UNION ALL TABLE of_other UNION ALL TABLE of_sparse
        UNION ALL TABLE of_grouped UNION ALL TABLE late
    ) every
    GROUP BY 1 HAVING sum(count) > 0
)
"""
# Of the tag `dense`. A sort of blocks by their tags would be of all bitmaps, on disk. By the
# condition PostgreSQL expects fewer of {blocks} than a tag has, and hashes these, once for all.
IN_BLOCKS = """
coalesce((SELECT sum(bit_count(b.bits & blocks.bits)) FROM search_bitmap b
          JOIN (SELECT block, bits FROM {blocks} WHERE block >= 0) blocks USING (block)
          WHERE b.set = dense.tag OFFSET 0), 0)
"""
IN_FOUND = compose(IN_BLOCKS, blocks=Fragment("found"))
IN_ALL = compose(
    "dense.shown - {lost} + {besides}",
    lost=compose(IN_BLOCKS, blocks=Fragment("lost")),
    besides=compose(IN_BLOCKS, blocks=Fragment("besides")),
)
# What a tag can have at most of anything, of what everybody sees, and of all that the viewer sees.
LINKS, LINKS_SHOWN = Fragment("links"), Fragment("shown")
LINKS_IN_ALL = Fragment(
    "least(links, shown + (SELECT coalesce(sum(bit_count(bits)), 0) FROM besides))"
)
SPARSE_IMAGES, NO_SPARSE_IMAGES = (
    "SELECT l.image_id AS image FROM {links}",
    Fragment("SELECT 0 AS image WHERE false"),
)
# By how much more links of a tag are read first than ought to be enough, were its images found as
# often as all are; and as how often these are taken to be found at most.
READS_MORE, FOUND_SHARE_MAX = 1.3, 0.9


class TagCount(TypedDict):
    """A tag, and how many of the images have it."""

    id: int
    name: str
    count: int


def facets(path: AccessPath) -> list[TagCount]:
    """The most frequent tags of all that matches a path, so many as its thresholds say, equal ones
    by name.

    Three statements, one where nothing matches.
    """
    counted = counts.count(path)
    if not counted.images:
        return []
    targets = _linked_aliases()
    few = max(
        path.thresholds.facet_images_by_links_max,
        counted.all_images / path.thresholds.facet_images_by_links_one_in,
    )
    by = _by_bitmaps if counted.by_bitmaps and counted.images > few else _by_links
    most = Fragment(str(path.thresholds.facet_tags_max))
    asked = statement(TOP, counts=by(path, counted, targets), most=most)
    with read_connection().cursor() as cursor:
        execute_prepared(cursor, asked.text, asked.parameters)
        return [TagCount(id=tag, name=name, count=count) for tag, name, count in cursor.fetchall()]


def facets_of(images: ImageQuerySet, most: int) -> list[TagCount]:
    """So many of the most frequent tags of some images as a queryset.

    One statement, which reads all their links.
    """
    links = ImageTag.objects.filter(image__in=images.order_by().values("pk"))
    targets = links.annotate(
        target=Coalesce("tag__alias_of", "tag"),
        folded=Coalesce("tag__alias_of__folded", "tag__folded"),
        shown=Coalesce("tag__alias_of__name", "tag__name"),
    )
    counted = targets.values("target", "folded", "shown")
    top = counted.annotate(count=Count("image", distinct=True))
    rows = top.order_by("-count", "folded", "shown").values_list("target", "shown", "count")[:most]
    return [TagCount(id=tag, name=name, count=count) for tag, name, count in rows]


def _linked_aliases() -> dict[int, int]:
    """The targets of the aliases that have links."""
    with read_connection().cursor() as cursor:
        cursor.execute(LINKED_ALIASES)
        return dict(cursor.fetchall())


def _grouped(targets: dict[int, int]) -> Fragment:
    every = targets | {target: target for target in targets.values()}
    return compose(GROUPED, tags=bigints(every), targets=bigints(every.values()))


def _by_links(path: AccessPath, counted: MatchCount, targets: dict[int, int]) -> Fragment:
    of_linked = COUNTS_OF_TARGETS if targets else COUNTS
    if not counted.by_bitmaps:
        scanned = pages.scan(path, counted, None)
        return compose(BY_LINKS, grouped=_grouped(targets), scanned=scanned, counts=of_linked)
    return compose(
        BY_LINKS_OF_FOUND,
        provides=["recheck", "found", "i"],
        found=_found(path, targets),
        ones=bitmaps.set_bits("found"),
        matches=matches(path),
        counts=of_linked,
    )


def _by_bitmaps(path: AccessPath, counted: MatchCount, targets: dict[int, int]) -> Fragment:
    share = min(counted.images / counted.all_images, FOUND_SHARE_MAX)
    audiences = path.resolved.viewer.audiences or ()
    bound, count = LINKS_SHOWN if audiences == (EVERYBODY,) else LINKS, IN_FOUND
    if path.resolved.asks_for_all and EVERYBODY in audiences:
        bound, count = LINKS_IN_ALL, IN_ALL
    return compose(
        BY_BITMAPS,
        provides=["recheck", "i"],
        found=_found(path, targets),
        bound=bound,
        count=count,
        shown=Fragment(str(terms.SHOWN)),
        reads=Fragment("%(reads)s::float8", {"reads": READS_MORE / (1 - share)}),
        empty=EMPTY_BITS,
        link_bit=single_bit("image_id"),
        most=Fragment(str(path.thresholds.facet_tags_max)),
        matches=matches(path),
        block=BLOCK_SQL,
        in_block=IN_BLOCK,
    )


def _found(path: AccessPath, targets: dict[int, int]) -> Fragment:
    resolved = path.resolved
    sparse = [compose(SPARSE_IMAGES, links=links) for links in bitmaps.sparse_matches(path)]
    return compose(
        FOUND,
        provides=["recheck"],
        to_recheck=TO_RECHECK,
        grouped=_grouped(targets),
        excluded=bitmaps.excluded(resolved),
        sparse=join(" UNION ALL ", sparse) if sparse else NO_SPARSE_IMAGES,
        matching=bitmaps.matching(resolved, resolved.clauses),
        bit=single_bit("image"),
        empty=EMPTY_BITS,
        block=BLOCK_SQL,
    )
