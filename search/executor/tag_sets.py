"""Which images have which of many tags, each with all that stands for it by the vocabulary's rules,
as sets of bits: exactly, at the moment of one statement."""

from collections.abc import Sequence

from search.executor.blocks import Blocks
from search.index.bits import (
    PART_BITS,
    block_of,
    part_of,
    single_bit,
    single_part_bit,
)
from search.models import BLOCK
from taggedimages.postgresql.bulk import array
from taggedimages.postgresql.fragments import compose
from taggedimages.postgresql.routing import read_connection

# Images up to which their links are read, and no bitmaps.
FEW = 2_000

# All that some targets stand for, as (target, tag).
MEANING = """
SELECT t AS target, t AS tag FROM unnest(%(targets)s::bigint[]) t
UNION ALL
SELECT ancestor_id, descendant_id FROM tags_closure WHERE ancestor_id = ANY(%(targets)s::bigint[])
"""
# Selects (target, block, part, bits): without a part what bitmaps know as of the last merge, and
# with a null for a target the images of which they know nothing; by parts of blocks, which are put
# together faster in memory than here, what links say besides.
BY_BITMAPS = compose(
    f"""
WITH meaning AS MATERIALIZED ({MEANING}),
blocks AS MATERIALIZED (SELECT unnest(%(blocks)s::int[]) AS block),
dense AS MATERIALIZED (
    SELECT set AS tag FROM search_setsize
    WHERE heavy AND set IN (SELECT tag FROM meaning) AND NOT EXISTS (SELECT FROM search_rebuild)
), pending AS MATERIALIZED (
    SELECT DISTINCT image_id AS image FROM search_unindexed
    WHERE {{of_pending}} IN (TABLE blocks)
), links AS MATERIALIZED (
    SELECT m.target, l.image_id AS image FROM meaning m JOIN tags_imagetag l ON l.tag_id = m.tag
    WHERE m.tag NOT IN (TABLE dense)
    UNION ALL
    SELECT m.target, l.image_id FROM pending p
    JOIN tags_imagetag l ON l.image_id = p.image JOIN meaning m ON m.tag = l.tag_id
    WHERE m.tag IN (TABLE dense)
)
SELECT m.target, b.block, NULL::int, bit_send(b.bits)
FROM meaning m JOIN dense USING (tag) JOIN search_bitmap b ON b.set = m.tag
WHERE b.block IN (TABLE blocks)
UNION ALL
SELECT NULL, {{of_image}}, NULL, bit_send(bit_or({{bit}})) FROM pending GROUP BY 2
UNION ALL
SELECT target, {{of_image}}, {{part}}, bit_send(bit_or({{part_bit}}))
FROM links WHERE {{of_image}} IN (TABLE blocks) GROUP BY 1, 2, 3
""",  # noqa: S608
    of_pending=block_of("image_id"),
    of_image=block_of("image"),
    bit=single_bit("image"),
    part=part_of("image"),
    part_bit=single_part_bit("image"),
).text
BY_LINKS = f"""
WITH meaning AS MATERIALIZED ({MEANING})
SELECT m.target, array_agg(l.image_id)
FROM tags_imagetag l JOIN meaning m ON m.tag = l.tag_id
WHERE l.image_id = ANY(%(images)s::bigint[]) GROUP BY 1
"""  # noqa: S608
# What bit_send puts before the bits: how many there are.
LENGTH_BYTES = 4


def of_targets(targets: Sequence[int], images: Blocks) -> dict[int, Blocks]:
    """Which of some images have each of some tags, which are no aliases: by the tag itself, an
    alias, or what implies it, whoever is shown them. One statement.

    Bitmaps come by whole blocks, so that a set may have more images than those of `images`.
    """
    if len(images) <= FEW:
        return _by_links(targets, images)
    found: dict[int, dict[int, int]] = {target: {} for target in targets}
    added: dict[int, dict[int, int]] = {target: {} for target in targets}
    pending: dict[int, int] = {}
    asked = {"targets": array(targets), "blocks": array(images.bits)}
    with read_connection().cursor() as cursor:
        cursor.execute(BY_BITMAPS, asked)
        for target, block, part, sent in cursor:
            bits = int.from_bytes(sent[LENGTH_BYTES:])
            if part is not None:
                into, bits = added[target], bits << BLOCK - (part + 1) * PART_BITS
            else:
                into = pending if target is None else found[target]
            into[block] = into.get(block, 0) | bits
    changed = Blocks(pending)
    return {target: Blocks(found[target]) - changed | Blocks(added[target]) for target in targets}


def _by_links(targets: Sequence[int], images: Blocks) -> dict[int, Blocks]:
    with read_connection().cursor() as cursor:
        cursor.execute(BY_LINKS, {"targets": array(targets), "images": array(images)})
        found = {target: Blocks.of(having) for target, having in cursor.fetchall()}
    return {target: found.get(target, Blocks()) for target in targets}
