"""The most frequent tags of all that a query finds: exactly, at the moment of one statement.

Where few match, their links are read. Where many do, bitmaps count the heavy tags, and of the
others only those are counted, link by link, that have enough links to come up with the last one
in the list.
"""

from typing import TypedDict

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count

from images.visibility import Viewer
from search.executor import counts, pages, predicates
from search.executor.predicates import NO_BITS
from search.index.merging import bit
from search.models import BLOCK
from search.planner.resolution import Plan, plan
from search.query import Query, find
from taggedimages.identity.models import User
from taggedimages.postgresql.routing import read_connection
from tags.models import ImageTag

MOST = 100
# Images whose links are read rather than counted by bitmaps: some tenths of a second.
FEW_IMAGES = 50_000

TOP = """
SELECT t.id, t.name, top.count FROM (
    SELECT tag, count FROM counts ORDER BY count DESC FETCH FIRST {most} ROWS WITH TIES
) top JOIN tags_tag t ON t.id = top.tag
ORDER BY top.count DESC, t.folded, t.name LIMIT {most}
"""

BY_ROWS = """
WITH counts AS (
    SELECT l.tag_id AS tag, count(*) AS count
    FROM ({found}) found JOIN tags_imagetag l ON l.image_id = found.image GROUP BY 1
)
"""

# `late` are images that changed a moment ago, or have an end ahead: judged by their records.
BY_BITMAPS = f"""
WITH unsure AS MATERIALIZED ({{unsure}}),
out AS (
    SELECT (image / {BLOCK})::int AS block, bit_or({bit("image")}) AS bits
    FROM ({{out}}) o GROUP BY 1
), light AS (
    SELECT (image / {BLOCK})::int AS block, bit_or({bit("image")}) AS bits
    FROM ({{light}}) l GROUP BY 1
), found AS MATERIALIZED (
    SELECT block, (coalesce(m.bits, {NO_BITS}) & ~coalesce(out.bits, {NO_BITS}))
                  | coalesce(light.bits, {NO_BITS}) AS bits
    FROM ({{matches}}) m LEFT JOIN out USING (block) FULL JOIN light USING (block)
), late AS MATERIALIZED (
    SELECT l.tag_id AS tag, count(*) AS count
    FROM images_image i JOIN tags_imagetag l ON l.image_id = i.id
    WHERE i.id IN (SELECT image FROM unsure) AND {{live}} GROUP BY 1
), of_heavy AS MATERIALIZED (
    SELECT set AS tag, sum(bit_count(b.bits & found.bits)) AS count
    FROM search_setsize z JOIN search_bitmap b USING (set) JOIN found USING (block)
    WHERE z.heavy GROUP BY 1
), last AS (
    SELECT CASE WHEN count(*) = {{most}} THEN min(count) ELSE 0 END AS count
    FROM (SELECT count FROM of_heavy ORDER BY count DESC LIMIT {{most}}) top
), of_light AS (
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
    JOIN found ON found.block = l.image_id / {BLOCK}
    WHERE get_bit(found.bits, (l.image_id & {BLOCK - 1})::int) = 1 GROUP BY 1
), counts AS (
    SELECT tag, sum(count)::bigint AS count
    FROM (TABLE of_heavy UNION ALL TABLE of_light UNION ALL TABLE late) every
    GROUP BY 1 HAVING sum(count) > 0
)
"""


class TagCount(TypedDict):
    """A tag, and how many of the images have it."""

    id: int
    name: str
    count: int


def tags(query: Query, user: User | AnonymousUser | None) -> list[TagCount]:
    """The most frequent tags, MOST of them, equal ones by name."""
    planned = plan(query, Viewer.of(user))
    if planned is None:
        return _by_queryset(query, user)
    counted = counts.total(planned)
    if not counted.images:
        return []
    if counted.by_bitmaps and counted.images > FEW_IMAGES:
        statement, parameters = _by_bitmaps(planned), predicates.parameters(planned)
    else:
        found, parameters = pages.everything(planned, counted)
        statement = BY_ROWS.format(found=found)
    with read_connection().cursor() as cursor:
        cursor.execute(statement + TOP.format(most=MOST), parameters)
        return [TagCount(id=tag, name=name, count=count) for tag, name, count in cursor.fetchall()]


def _by_bitmaps(plan: Plan) -> str:
    light = [f"SELECT l.image_id AS image FROM {links}" for links in predicates.by_light_tags(plan)]
    return BY_BITMAPS.format(
        most=MOST,
        unsure=predicates.UNSURE,
        out=predicates.out_of_bitmaps(plan),
        light=" UNION ALL ".join(light) or "SELECT 0 AS image WHERE false",
        matches=predicates.matches(plan, plan.clauses),
        live=predicates.live(plan),
    )


def _by_queryset(query: Query, user: User | AnonymousUser | None) -> list[TagCount]:
    links = ImageTag.objects.filter(image__in=find(query, user).order_by().values("pk"))
    counted = links.values("tag_id", "tag__name").annotate(count=Count("pk"))
    top = counted.order_by("-count", "tag__folded", "tag__name")[:MOST]
    rows = top.values_list("tag_id", "tag__name", "count")
    return [TagCount(id=tag, name=name, count=count) for tag, name, count in rows]
