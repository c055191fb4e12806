"""Which tags, with which values, the images of an access path have: exactly, in one statement.

Where few images match, all their links are read. Else one link is looked for of each tag, in the
order of names and no further than asked: of a dense tag by bitmaps, of others among its links, of
which a set of bits says whose image matches. Values are leapt over from one to the next.
"""

from search.executor import bitmaps
from search.executor.predicates import matches
from search.index.bits import BLOCK_SQL, EMPTY_BITS, block_of, single_bit
from search.planner.paths import AccessPath
from taggedimages.postgresql.fragments import Fragment, compose, join, statement
from taggedimages.postgresql.prepared import execute_prepared
from taggedimages.postgresql.routing import read_connection

# Of the images in `own` bitmaps tell, and of those in `also` records. Selects (name, value), and
# last a row with whether the bitmaps are to be trusted.
USED = """
WITH RECURSIVE trusted AS MATERIALIZED (SELECT {trusted} AS are),
recheck AS MATERIALIZED ({to_recheck}),
m AS MATERIALIZED ({matching}),
out AS (SELECT {of_image} AS block, bit_or({bit}) AS bits FROM ({excluded}) o (image) GROUP BY 1),
own AS MATERIALIZED (
    SELECT block, m.bits & ~coalesce(out.bits, {empty}) AS bits
    FROM m LEFT JOIN out USING (block) WHERE (SELECT are FROM trusted)
),
also AS MATERIALIZED (
    SELECT i.id AS image FROM images_image i WHERE i.id IN (SELECT image FROM recheck) AND {matches}
    {sparse}
),
{used}
UNION ALL SELECT NULL, NULL, are FROM trusted
"""
OF_SPARSE = "UNION SELECT l.image_id FROM {links}"
PART = "ORDER BY 1, 2 LIMIT %(stop)s::bigint - %(start)s::bigint OFFSET %(start)s"

BY_LINKS = """
found AS (SELECT image FROM ({ones}) ones UNION ALL SELECT image FROM also),
used AS (
    SELECT DISTINCT l.tag_id AS tag, l.value
    FROM found JOIN tags_imagetag l ON l.image_id = found.image
)
(SELECT t.name, u.value COLLATE "C", NULL::boolean
 FROM used u JOIN tags_tag t ON t.id = u.tag {part})
"""

# `found` has a bit for each image that there is, as bytes. `valued` are the first of the tags that
# have a value on any image, mostly all; where it does not end in null, each tag is asked.
BY_TAGS = """
found AS MATERIALIZED (
    SELECT string_agg(substr(bit_send(coalesce(own.bits, {empty}) | coalesce(a.bits, {empty})), 5),
                      '' ORDER BY block) AS bytes
    FROM generate_series(0, (SELECT (max(id) / {block})::int FROM images_image)) g (block)
    LEFT JOIN own USING (block)
    LEFT JOIN (SELECT {of_image} AS block, bit_or({bit}) AS bits FROM also GROUP BY 1) a
        USING (block)
),
with_bits (tag) AS (
    SELECT min(set) FROM search_bitmap WHERE set > 0 UNION ALL
    SELECT (SELECT min(set) FROM search_bitmap WHERE set > tag) FROM with_bits
    WHERE tag IS NOT NULL
),
dense AS MATERIALIZED (
    SELECT tag, EXISTS (
        SELECT FROM own JOIN search_bitmap b USING (block)
        WHERE b.set = tag AND bit_count(own.bits & b.bits) > 0 OFFSET 0
    ) AS used
    FROM with_bits
    WHERE EXISTS (SELECT FROM search_setsize s WHERE s.set = tag AND heavy OFFSET 0)
),
with_values (tag) AS (
    SELECT min(tag_id) FROM tags_imagetag WHERE value <> '' UNION ALL
    SELECT (SELECT min(tag_id) FROM tags_imagetag WHERE value <> '' AND tag_id > tag)
    FROM with_values WHERE tag IS NOT NULL
),
valued AS MATERIALIZED (SELECT tag FROM with_values LIMIT 1000),
beside AS MATERIALIZED (
    SELECT l.tag_id AS tag FROM also JOIN tags_imagetag l ON l.image_id = also.image
)
(SELECT t.name, u.held, NULL::boolean
 FROM {tags} t, LATERAL (
    SELECT '' AS held WHERE CASE WHEN {has_values} THEN {is_used_without} ELSE {is_used} END
    UNION ALL
    SELECT v.value COLLATE "C" FROM ({values}) v
    WHERE {has_values} AND EXISTS (
        SELECT FROM tags_imagetag l
        WHERE l.tag_id = t.id AND l.value = v.value AND l.value <> '' AND {is_found} OFFSET 0)
 ) u
 WHERE (SELECT are FROM trusted) {part})
"""
# Of very many tags, in the order that their links are kept in; else in the order of the answer.
EVERY_TAG = Fragment("(SELECT id, name FROM tags_tag ORDER BY id OFFSET 0)")
IN_ORDER = Fragment("tags_tag")

# Bytes count their bits from the end.
IS_FOUND = Fragment("get_bit((SELECT bytes FROM found), l.image_id # 7) = 1")
HAS_VALUES = Fragment("""
CASE WHEN (SELECT count(*) > count(tag) FROM valued)
THEN t.id IN (SELECT tag FROM valued WHERE tag IS NOT NULL)
ELSE EXISTS (SELECT FROM tags_imagetag x WHERE x.tag_id = t.id AND x.value <> '' OFFSET 0) END
""")
IS_USED = """
CASE WHEN t.id IN (SELECT tag FROM dense)
THEN t.id IN (SELECT tag FROM dense WHERE used UNION ALL SELECT tag FROM beside)
ELSE EXISTS (SELECT FROM tags_imagetag l WHERE l.tag_id = t.id AND {is_found} OFFSET 0) END
"""
# One without a value is among the first, or nearly all have one: then there are more links in all.
IS_USED_WITHOUT = """
(EXISTS (SELECT FROM (
    SELECT image_id, value FROM tags_imagetag WHERE tag_id = t.id LIMIT 100
 ) l WHERE l.value = '' AND {is_found})
 OR CASE WHEN t.id IN (SELECT tag FROM dense) THEN
    (SELECT coalesce(sum(bit_count(own.bits & b.bits)), 0)
     FROM own JOIN search_bitmap b USING (block) WHERE b.set = t.id)
    + (SELECT count(*) FROM beside WHERE tag = t.id)
 ELSE (SELECT count(*) FROM tags_imagetag l WHERE l.tag_id = t.id AND {is_found}) END
 > (SELECT count(*) FROM tags_imagetag l WHERE l.tag_id = t.id AND l.value <> '' AND {is_found}))
"""
VALUES = Fragment("""
WITH RECURSIVE leapt (value) AS (
    (SELECT x.value FROM tags_imagetag x WHERE x.tag_id = t.id AND x.value <> ''
     ORDER BY x.value LIMIT 1)
    UNION ALL
    SELECT n.value FROM leapt, LATERAL (
        SELECT x.value FROM tags_imagetag x
        WHERE x.tag_id = t.id AND x.value <> '' AND x.value > leapt.value
        ORDER BY x.value LIMIT 1) n
) SELECT value FROM leapt
""")


def can_tell(path: AccessPath) -> bool:
    """Whether bitmaps and records say of a path all that it asks: not of instants and windows."""
    resolved = path.resolved
    return not (resolved.as_of or resolved.created_from or resolved.created_before)


def images_by_links_max(path: AccessPath, stop: int | None) -> int:
    """How many images may match for their links to be read, to tell their tags up to a place."""
    limits = path.thresholds
    return limits.used_tags_by_links_max if stop is None else limits.page_of_tags_by_links_max


def names_and_values(
    path: AccessPath, start: int, stop: int | None, *, by_links: bool
) -> list[tuple[str, str]] | None:
    """The distinct pairs of a tag's name and a value it has on the images of a path, by code point,
    from one place in that order up to another; None where bitmaps are not to be trusted now.

    `by_links` reads all links of these images.
    """
    used = _by_links() if by_links else _by_tags(every=stop is None)
    asked = _used(path, used, {"start": start, "stop": stop})
    with read_connection().cursor() as cursor:
        execute_prepared(cursor, asked.text, asked.parameters)
        *pairs, (_, _, trusted) = cursor.fetchall()
    return [(name, value) for name, value, _ in pairs] if trusted else None


def _used(path: AccessPath, used: Fragment, part: dict[str, int | None]) -> Fragment:
    resolved = path.resolved
    assert can_tell(path)
    sparse = [compose(OF_SPARSE, links=links) for links in bitmaps.sparse_matches(path)]
    return statement(
        USED,
        provides=["recheck", "i", "own"],
        trusted=bitmaps.is_trusted(resolved),
        to_recheck=bitmaps.to_recheck(resolved),
        matching=bitmaps.matching(resolved, resolved.clauses),
        excluded=bitmaps.excluded(resolved),
        matches=matches(path),
        sparse=join(" ", sparse),
        of_image=block_of("image"),
        bit=single_bit("image"),
        empty=EMPTY_BITS,
        used=used,
        parameters=part,
    )


def _by_links() -> Fragment:
    return compose(BY_LINKS, ones=bitmaps.set_bits("own"), part=Fragment(PART))


def _by_tags(*, every: bool) -> Fragment:
    return compose(
        BY_TAGS,
        empty=EMPTY_BITS,
        block=BLOCK_SQL,
        of_image=block_of("image"),
        bit=single_bit("image"),
        tags=EVERY_TAG if every else IN_ORDER,
        has_values=HAS_VALUES,
        is_used=compose(IS_USED, is_found=IS_FOUND),
        is_used_without=compose(IS_USED_WITHOUT, is_found=IS_FOUND),
        values=VALUES,
        is_found=IS_FOUND,
        part=Fragment(PART),
    )
