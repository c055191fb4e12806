"""Whether the index says what images and links say, and mending where it does not."""

from typing import NamedTuple

from django.db.backends.utils import CursorWrapper

from search.index import field_terms
from search.index.bits import BLOCK_SQL, EMPTY_BITS
from search.index.building import (
    COUNT_PUBLIC,
    IMAGE_BITS,
    SHOWN_SQL,
    TAG_BITS,
    Told,
    build_span,
    dense_tags,
    spans,
)
from search.index.locking import index_transaction
from search.index.merge_log import invalidate_caches
from search.index.merging import merge_within
from search.index.thresholds import DEFAULT
from search.models import BLOCK
from taggedimages.postgresql.fragments import Fragment, compose
from tags import counters, shown_rows, statistics

# How many blocks of a span differ from what they should be.
WRONG_BLOCKS = compose(
    """
WITH wanted (set, block, bits) AS MATERIALIZED (
    {images} UNION ALL {fields} UNION ALL {values} UNION ALL {tags}
)
SELECT count(*) FROM wanted w
FULL JOIN (SELECT set, block, bits FROM search_bitmap
           WHERE block >= %(first)s / {block} AND block < %(beyond)s / {block}) h USING (set, block)
WHERE coalesce(w.bits, {empty}) <> coalesce(h.bits, {empty})
""",
    images=Fragment(IMAGE_BITS),
    fields=Fragment(field_terms.SPAN_BITS),
    values=Fragment(field_terms.SPAN_VALUES),
    tags=Fragment(TAG_BITS),
    block=BLOCK_SQL,
    empty=EMPTY_BITS,
).text
DELETE_SPAN = "DELETE FROM search_bitmap WHERE block >= %s AND block < %s"

# The terms whose statistics of links are wrong.
WRONG_LINK_COUNTS = """
SELECT coalesce(array_agg(set), '{}') FROM search_setsize z
FULL JOIN (SELECT tag_id AS set, count(*) AS counted FROM tags_imagetag GROUP BY 1) t USING (set)
WHERE set > 0 AND coalesce(links, 0) <> coalesce(counted, 0)
"""
RECOUNT_LINKS = """
INSERT INTO search_setsize (set, links, shown, heavy)
SELECT tag, (SELECT count(*) FROM tags_imagetag WHERE tag_id = tag), 0, false
FROM unnest(%s::bigint[]) tag
ON CONFLICT (set) DO UPDATE SET links = EXCLUDED.links
"""

# The terms whose statistics of public images are not what their bitmaps say.
WRONG_PUBLIC_COUNTS = compose(
    """
SELECT coalesce(array_agg(k.set), '{{}}')
FROM (SELECT set FROM search_setsize WHERE heavy UNION SELECT {shown}) k
LEFT JOIN search_setsize z USING (set)
WHERE coalesce(z.shown, 0) <> coalesce((
    SELECT sum(bit_count(t.bits & s.bits)) FROM search_bitmap t
    JOIN search_bitmap s ON s.set = {shown} AND s.block = t.block WHERE t.set = k.set), 0)
""",
    shown=SHOWN_SQL,
).text

# Blocks after the last image, which no span reaches.
STRAY_BLOCKS = compose(
    """
FROM search_bitmap WHERE block > (SELECT coalesce(max(id), -1) FROM images_image) / {block}
AND bit_count(bits) > 0
""",
    block=BLOCK_SQL,
)
COUNT_STRAY = compose("SELECT count(*) {stray}", stray=STRAY_BLOCKS).text
DELETE_STRAY = compose("DELETE {stray}", stray=STRAY_BLOCKS).text


class Verdict(NamedTuple):
    """How much was wrong: blocks of bitmaps, and statistics of terms, counters and others."""

    blocks: int
    sizes: int

    @property
    def right(self) -> bool:
        return not self.blocks and not self.sizes


def verify(repair: bool = False, told: Told = lambda ids: None) -> Verdict:
    """Compare the whole index with images and links, in one state of the database.

    Pending changes are merged first. With `repair`, what is wrong is made anew. Whom tags are shown
    to is settled tag by tag, before that.
    """
    shown = shown_rows.verify(repair)
    tags: set[int] = set()
    with index_transaction() as cursor:
        if field_terms.are_due():
            field_terms.build(cursor, spans(cursor), DEFAULT)
        while (merged := merge_within(cursor)).changes:
            tags.update(merged.tags)
        blocks = field_terms.verify(cursor, DEFAULT, repair=repair)
        blocks += _wrong_blocks(cursor, repair, told)
        cursor.execute(WRONG_LINK_COUNTS)
        (links,) = cursor.fetchone()
        cursor.execute(WRONG_PUBLIC_COUNTS)
        (public,) = cursor.fetchone()
        if repair:
            cursor.execute(RECOUNT_LINKS, [links])
            cursor.execute(COUNT_PUBLIC, [public])
            tags.update(links)
        others = counters.verify(cursor, repair)
    statistics.copy_links(sorted(tags))
    return Verdict(blocks, len({*links, *public}) + others + shown)


def _wrong_blocks(cursor: CursorWrapper, repair: bool, told: Told) -> int:
    """How many blocks are wrong; with `repair`, they are right afterwards."""
    dense = dense_tags(cursor)
    cursor.execute(COUNT_STRAY)
    (blocks,) = cursor.fetchone()
    if repair:
        cursor.execute(DELETE_STRAY)
    for span in spans(cursor):
        cursor.execute(WRONG_BLOCKS, {"tags": dense, **span})
        (wrong,) = cursor.fetchone()
        blocks += wrong
        if wrong and repair:
            cursor.execute(DELETE_SPAN, [span["first"] // BLOCK, span["beyond"] // BLOCK])
            build_span(cursor, dense, span)
        told(span["beyond"] - span["first"])
    if blocks and repair:
        # What was cached of them is as wrong as they were.
        invalidate_caches(cursor)
    return int(blocks)
