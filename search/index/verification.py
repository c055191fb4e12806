"""Whether the tag index says what images and links say, and mending where it does not."""

from typing import NamedTuple

from django.db.backends.utils import CursorWrapper

from search.index import merging, terms
from search.index.merging import (
    IMAGE_BITS,
    MEASURE,
    NO_BITS,
    TAG_BITS,
)
from search.models import BLOCK
from tags import counters

# What the blocks of a span should be, beside what they are.
WRONG_BLOCKS = """
WITH wanted (set, block, bits) AS MATERIALIZED ({images} UNION ALL {tags})
SELECT count(*) FROM wanted w
FULL JOIN (SELECT set, block, bits FROM search_bitmap
           WHERE block >= %(first)s / {block} AND block < %(beyond)s / {block}) h USING (set, block)
WHERE coalesce(w.bits, {no_bits}) <> coalesce(h.bits, {no_bits})
"""

WRONG_LINKS = """
SELECT coalesce(array_agg(set), '{}') FROM search_setsize z
FULL JOIN (SELECT tag_id AS set, count(*) AS counted FROM tags_imagetag GROUP BY 1) t USING (set)
WHERE set > 0 AND coalesce(links, 0) <> coalesce(counted, 0)
"""

RIGHT_LINKS = """
INSERT INTO search_setsize (set, links, shown, heavy)
SELECT tag, (SELECT count(*) FROM tags_imagetag WHERE tag_id = tag), 0, false
FROM unnest(%s::bigint[]) tag
ON CONFLICT (set) DO UPDATE SET links = EXCLUDED.links
"""

# The sizes of sets with bitmaps, beside what their bitmaps say.
WRONG_SHOWN = f"""
SELECT coalesce(array_agg(k.set), '{{}}')
FROM (SELECT set FROM search_setsize WHERE heavy UNION SELECT {terms.SHOWN}) k
LEFT JOIN search_setsize z USING (set)
WHERE coalesce(z.shown, 0) <> coalesce((
    SELECT sum(bit_count(t.bits & s.bits)) FROM search_bitmap t
    JOIN search_bitmap s ON s.set = {terms.SHOWN} AND s.block = t.block WHERE t.set = k.set), 0)
"""

# Blocks after the last image, which no span reaches.
STRAY = f"""
FROM search_bitmap WHERE block > (SELECT coalesce(max(id), -1) FROM images_image) / {BLOCK}
AND bit_count(bits) > 0
"""


class Verdict(NamedTuple):
    """How much was wrong: blocks of bitmaps, and sizes of sets, and counters."""

    blocks: int
    sizes: int

    @property
    def right(self) -> bool:
        return not self.blocks and not self.sizes


def verify(repair: bool = False) -> Verdict:
    """Compare the whole index with images and links, in one state of the database.

    What waits to be taken in is taken in first. With `repair`, what is wrong is made anew.
    """
    with merging.one_state() as cursor:
        while merging.fold_within(cursor, merging.BATCH):
            pass
        blocks = _blocks(cursor, repair)
        cursor.execute(WRONG_LINKS)
        (links,) = cursor.fetchone()
        cursor.execute(WRONG_SHOWN)
        (shown,) = cursor.fetchone()
        if repair:
            cursor.execute(RIGHT_LINKS, [links])
            cursor.execute(MEASURE, [shown])
        others = counters.verify(cursor, repair)
        return Verdict(blocks, len({*links, *shown}) + others)


def _blocks(cursor: CursorWrapper, repair: bool) -> int:
    """How many blocks are wrong; with `repair`, they are right afterwards."""
    cursor.execute("SELECT coalesce(array_agg(set), '{}') FROM search_setsize WHERE heavy")
    (heavy,) = cursor.fetchone()
    cursor.execute(f"SELECT count(*) {STRAY}")
    (blocks,) = cursor.fetchone()
    if repair:
        cursor.execute(f"DELETE {STRAY}")
    statement = WRONG_BLOCKS.format(images=IMAGE_BITS, tags=TAG_BITS, block=BLOCK, no_bits=NO_BITS)
    for span in merging.spans(cursor):
        cursor.execute(statement, {"tags": heavy, **span})
        (wrong,) = cursor.fetchone()
        blocks += wrong
        if wrong and repair:
            cursor.execute(
                "DELETE FROM search_bitmap WHERE block >= %s AND block < %s",
                [span["first"] // BLOCK, span["beyond"] // BLOCK],
            )
            merging.build(cursor, heavy, span)
    if blocks and repair:
        # What was remembered of them is as wrong as they were.
        merging.disown(cursor)
    return int(blocks)
