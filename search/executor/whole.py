"""All that a search finds, and all images of a tag, as sets of bits: exactly, at the moment of a
statement.

Whoever needs several of these for one state of the database asks within one transaction that is
REPEATABLE READ.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet

from images.querysets import ImageQuerySet
from search.executor import bitmaps, counts, pages, since
from search.executor.blocks import Blocks, union
from search.executor.predicates import matches
from search.index.bits import (
    BLOCK_SQL,
    EMPTY_BITS,
    block_of,
    block_of_word,
    is_set,
    part_of,
    single_bit,
    single_part_bit,
    single_word_bit,
    whole_block,
    whole_of_word,
    word_of,
)
from search.planner.paths import AccessPath, CountBy
from taggedimages.postgresql.bulk import array
from taggedimages.postgresql.fragments import Fragment, compose, join, statement
from taggedimages.postgresql.routing import read_connection

# Selects (trusted, block, bits), as `search.executor.facets` puts it together.
BY_BITMAPS = """
WITH {since} recheck AS MATERIALIZED ({to_recheck}),
m AS MATERIALIZED ({matching}),
out AS (
    SELECT (image / {block})::int AS block, bit_or({bit}) AS bits FROM ({excluded}) o GROUP BY 1
), also AS (
    SELECT (image / {block})::int AS block, bit_or({bit}) AS bits FROM (
        SELECT i.id AS image FROM images_image i
        WHERE i.id IN (SELECT image FROM recheck) AND {matches}
        {sparse}
    ) a GROUP BY 1
)
SELECT {trusted}, block, ((coalesce(m.bits, {empty}) & ~coalesce(out.bits, {empty}))
                          | coalesce(also.bits, {empty}))::text
FROM m LEFT JOIN out USING (block) FULL JOIN also USING (block)
UNION ALL SELECT {trusted}, NULL, NULL
"""
OF_SPARSE = "UNION ALL SELECT l.image_id FROM {links}"

# Selects (block, bits) of images by id, first by words (search.index.bits).
OF_IMAGES = compose(
    """
SELECT {of_word}, bit_or({whole})::text
FROM (SELECT {word} AS word, bit_or({bit}) AS bits FROM ({{images}}) found (image) GROUP BY 1) words
GROUP BY 1
""",
    of_word=block_of_word("word"),
    whole=whole_of_word("word", "bits"),
    word=word_of("image"),
    bit=single_word_bit("image"),
).text

OF_DENSE = """
SELECT block, bits::text FROM search_bitmap
WHERE set = %(tag)s AND NOT EXISTS (SELECT FROM search_rebuild)
AND EXISTS (SELECT FROM search_setsize WHERE set = %(tag)s AND heavy)
"""
# Images whose bits are not what they were at the last merge, and whether they have the tag.
PENDING_WITH_TAG = """
SELECT image, EXISTS (SELECT FROM tags_imagetag l WHERE l.image_id = image AND l.tag_id = %(tag)s)
FROM (SELECT DISTINCT image_id AS image FROM search_unindexed) pending
"""
IMAGES_OF_TAG = "SELECT image_id FROM tags_imagetag WHERE tag_id = %(tag)s"

# Of very many images, all tags but some: dense ones by bitmaps, others and all of images that
# changed a moment ago by links. Three kinds of rows: dense tags with how many of the images have
# each; other tags likewise; and blocks of the images that have any.
ALL_TAGS = compose(
    """
WITH trusted AS (SELECT NOT EXISTS (SELECT FROM search_rebuild) AS is),
asked AS MATERIALIZED (
    SELECT block, bits::bit({block}) AS bits
    FROM unnest(%(blocks)s::int[], %(bits)s::text[]) a (block, bits)
), pending AS MATERIALIZED (
    SELECT DISTINCT image_id AS image FROM search_unindexed JOIN asked ON {of_pending} = block
    WHERE {pending_is_set}
), settled AS MATERIALIZED (
    SELECT block, asked.bits & ~coalesce(p.bits, {empty}) AS bits
    FROM asked LEFT JOIN (
        SELECT {of_image} AS block, bit_or({bit}) AS bits FROM pending GROUP BY 1
    ) p USING (block)
), dense AS MATERIALIZED (
    SELECT set AS tag FROM search_setsize, trusted
    WHERE heavy AND set > 0 AND NOT set = ANY(%(but)s::bigint[]) AND trusted.is
), links AS MATERIALIZED (
    SELECT l.tag_id AS tag, l.image_id AS image
    FROM settled s JOIN tags_imagetag l ON l.image_id / {block} = s.block
    WHERE {is_settled} AND l.tag_id NOT IN (TABLE dense)
    AND NOT l.tag_id = ANY(%(but)s::bigint[])
    UNION ALL
    SELECT l.tag_id, l.image_id FROM tags_imagetag l
    WHERE l.image_id IN (TABLE pending) AND NOT l.tag_id = ANY(%(but)s::bigint[])
)
SELECT tag, sum(bit_count(b.bits & s.bits))::bigint, NULL::int, NULL::text
FROM dense JOIN search_bitmap b ON b.set = tag JOIN settled s USING (block) GROUP BY 1
UNION ALL SELECT tag, count(*), NULL, NULL FROM links GROUP BY 1
UNION ALL SELECT NULL, NULL, block, bit_or(b.bits & s.bits)::text
FROM dense JOIN search_bitmap b ON b.set = tag JOIN settled s USING (block) GROUP BY block
UNION ALL SELECT NULL, NULL, block, bit_or({whole})::text FROM (
    SELECT {of_image} AS block, {part} AS part, bit_or({part_bit}) AS bits FROM links GROUP BY 1, 2
) parts GROUP BY block
""",
    block=BLOCK_SQL,
    empty=EMPTY_BITS,
    of_pending=block_of("image_id"),
    pending_is_set=is_set("bits", "image_id"),
    of_image=block_of("image"),
    bit=single_bit("image"),
    is_settled=is_set("s.bits", "l.image_id"),
    whole=whole_block("bits"),
    part=part_of("image"),
    part_bit=single_part_bit("image"),
).text


def of_path(path: AccessPath) -> Blocks:
    """All images that an access path matches. One or two statements."""
    if path.count_by == CountBy.NOTHING:
        return Blocks()
    if path.resolved.is_in_bitmaps:
        asked = _by_bitmaps(path)
        with read_connection().cursor() as cursor:
            cursor.execute(asked.text, asked.parameters)
            rows = cursor.fetchall()
        if rows[-1][0]:
            return Blocks.read((block, bits) for _, block, bits in rows if block is not None)
    counted = counts.count(path)
    if not counted.images:
        return Blocks()
    return of_statement(*pages.scan(path, counted, None)[:2])


def of_queryset(images: ImageQuerySet) -> Blocks:
    """All images of a queryset. One statement, none where it is known that there are none."""
    try:
        text, parameters = images.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:
        return Blocks()
    return of_statement(text, parameters)


def of_tag(tag: int) -> Blocks:
    """All images that have a tag, whoever is shown them. Two statements."""
    values = {"tag": tag}
    with read_connection().cursor() as cursor:
        cursor.execute(OF_DENSE, values)
        if rows := cursor.fetchall():
            cursor.execute(PENDING_WITH_TAG, values)
            pending = cursor.fetchall()
            changed = Blocks.of(image for image, _ in pending)
            having = Blocks.of(image for image, has in pending if has)
            return Blocks.read(rows) - changed | having
    return of_statement(IMAGES_OF_TAG, values)


def all_tags(images: Blocks, but: Sequence[int]) -> tuple[Counter[int], Blocks]:
    """How many of some images have each tag but some, and which have any. One statement."""
    rows = images.rows()
    asked: dict[str, Any] = {
        "blocks": [block for block, _ in rows],
        "bits": [bits for _, bits in rows],
        "but": array(but),
    }
    counted, parts = Counter[int](), []
    with read_connection().cursor() as cursor:
        cursor.execute(ALL_TAGS, asked)
        for tag, count, block, bits in cursor.fetchall():
            if tag is None:
                parts.append(Blocks.read([(block, bits)]))
            elif count:
                counted[tag] += count
    return counted, union(parts)


def of_statement(images: str, parameters: Any) -> Blocks:
    """All images of a statement that selects their ids in its first column."""
    with read_connection().cursor() as cursor:
        cursor.execute(OF_IMAGES.replace("{images}", images), parameters)
        return Blocks.read(cursor.fetchall())


def _by_bitmaps(path: AccessPath) -> Fragment:
    resolved = path.resolved
    sparse: Sequence[Fragment] = [
        compose(OF_SPARSE, links=links) for links in bitmaps.sparse_matches(path)
    ]
    return statement(
        BY_BITMAPS,
        provides=["recheck", "m", "i", *since.provided(resolved)],
        since=since.first(resolved),
        to_recheck=bitmaps.to_recheck(resolved),
        matching=bitmaps.matching(resolved, resolved.clauses),
        excluded=bitmaps.excluded(resolved),
        matches=matches(path),
        sparse=join(" ", sparse),
        trusted=bitmaps.is_trusted(resolved, path.thresholds),
        bit=single_bit("image"),
        block=BLOCK_SQL,
        empty=EMPTY_BITS,
    )
