"""Merging pending changes into the index.

Triggers note each changed image in `search_unindexed` (`PendingChange`). A merge takes some of them
in and forgets them, in one transaction that sees one state of the database. What a bit becomes is
read from the links and images of that state, never worked out from the order of changes, so merging
twice or late is right too.
"""

from typing import Any, NamedTuple

from django.db.backends.utils import CursorWrapper

from search.index import field_terms, merge_log
from search.index.bits import (
    EMPTY_BITS,
    block_of,
    block_of_word,
    is_set,
    part_of,
    single_part_bit,
    single_word_bit,
    whole_block,
    whole_of_word,
    word_of,
)
from search.index.building import (
    COUNT_PUBLIC,
    SHOWN_SQL,
    TAG_BITS,
    TAGGED_SQL,
    dense_links_min,
    linked_term,
    own_terms,
    spans,
)
from search.index.locking import index_transaction, unless_busy
from search.index.thresholds import DEFAULT, Thresholds
from search.index.writing import in_order
from taggedimages.postgresql.bulk import array
from taggedimages.postgresql.fragments import compose
from tags import counters, statistics

OLDEST = """
SELECT array_agg(DISTINCT image_id)
FROM (SELECT image_id FROM search_unindexed ORDER BY id LIMIT %s) oldest
"""
# All changes of an image at once: what is worked out of its links is right only when all that was
# changed in them is merged. The images are given: of a table that was just vacuumed while it was
# empty, the planner expects one row, and would look for each among all others.
ALL_OF = "SELECT array_agg(id) FROM search_unindexed WHERE image_id = ANY(%s::bigint[])"

# The images of the changes `rows`, those that were changed in more than their links, and the images
# with those of the changed tags that are dense.
CHANGED_CTES = """
taken AS MATERIALIZED (
    SELECT image_id, added, removed FROM search_unindexed WHERE id = ANY(%(rows)s)
), changed AS MATERIALIZED (
    SELECT DISTINCT image_id AS image FROM taken
), itself AS MATERIALIZED (
    SELECT DISTINCT image_id AS image FROM taken WHERE added = '{{}}' AND removed = '{{}}'
), tagged AS MATERIALIZED (
    SELECT DISTINCT image_id AS image, tag AS set
    FROM taken, unnest(added || removed) tag
    WHERE tag IN (SELECT set FROM search_setsize WHERE heavy)
)
"""
CHANGED_IMAGES = compose(CHANGED_CTES)

# Of each pair of a tag and an image that may have come together or parted: was it so, is it so.
MERGE_TAG_BITS = compose(
    """
WITH {changed_images}, touched AS (
    SELECT image, set FROM tagged
    UNION ALL
    SELECT image, b.set FROM changed
    JOIN search_bitmap b ON b.set = {tagged} AND b.block = {block}
    WHERE {was_set}
), present AS (
    SELECT image, set FROM tagged
    WHERE EXISTS (SELECT FROM tags_imagetag l WHERE l.image_id = image AND l.tag_id = set)
    UNION ALL
    SELECT image, set FROM ({linked}) of_image
), parts AS (
    SELECT set, {block} AS block, {part} AS part,
           bit_or({part_bit}) AS known, bit_or({part_bit}) FILTER (WHERE here) AS here
    FROM (SELECT image, set, false AS here FROM touched
          UNION ALL SELECT image, set, true FROM present) pairs
    GROUP BY 1, 2, 3
), masks AS (
    SELECT set, block, bit_or({known}) AS known, coalesce(bit_or({here}), {empty}) AS here
    FROM parts GROUP BY 1, 2
)
MERGE INTO search_bitmap b USING masks m ON b.set = m.set AND b.block = m.block
WHEN MATCHED THEN UPDATE SET bits = (b.bits & ~m.known) | m.here
WHEN NOT MATCHED AND bit_count(m.here) > 0 THEN INSERT (set, block, bits)
    VALUES (m.set, m.block, m.here)
""",
    changed_images=CHANGED_IMAGES,
    linked=linked_term("i.id IN (SELECT image FROM changed)"),
    tagged=TAGGED_SQL,
    block=block_of("image"),
    was_set=is_set("b.bits", "image"),
    part=part_of("image"),
    part_bit=single_part_bit("image"),
    known=whole_block("known"),
    here=whole_block("here"),
    empty=EMPTY_BITS,
).text

# What images say themselves, of those that were changed in more than their links: all terms of
# their blocks forget them, and have them where they belong. Only what is another then is written.
OF_ITSELF = "i.id IN (SELECT image FROM itself)"
MERGE_OWN_BITS = compose(
    """
WITH {changed_images}, here AS MATERIALIZED (
    SELECT set, {of_word} AS block, bit_or({whole}) AS bits FROM (
        SELECT set, {word} AS word, bit_or({bit}) AS bits
        FROM ({own} UNION ALL {fields} UNION ALL {values}) of_image GROUP BY 1, 2
    ) words GROUP BY 1, 2
), known AS MATERIALIZED (
    SELECT {of_word} AS block, bit_or({whole}) AS bits
    FROM (SELECT {word} AS word, bit_or({bit}) AS bits FROM itself GROUP BY 1) words GROUP BY 1
), there AS (
    SELECT b.set, b.block FROM known k JOIN search_bitmap b USING (block)
    WHERE b.set < 0 AND b.set <> {tagged}
), masks AS (
    SELECT set, block, known.bits AS known, coalesce(here.bits, {empty}) AS here
    FROM there FULL JOIN here USING (set, block) JOIN known USING (block)
)
MERGE INTO search_bitmap b USING masks m ON b.set = m.set AND b.block = m.block
WHEN MATCHED AND (b.bits & m.known) <> m.here THEN UPDATE SET bits = (b.bits & ~m.known) | m.here
WHEN NOT MATCHED THEN INSERT (set, block, bits) VALUES (m.set, m.block, m.here)
""",
    changed_images=CHANGED_IMAGES,
    own=own_terms(OF_ITSELF),
    fields=field_terms.of_images(OF_ITSELF)[0],
    values=field_terms.of_images(OF_ITSELF)[1],
    tagged=TAGGED_SQL,
    of_word=block_of_word("word"),
    whole=whole_of_word("word", "bits"),
    word=word_of("image"),
    bit=single_word_bit("image"),
    empty=EMPTY_BITS,
).text
ITSELF = """i.id IN (
    SELECT image_id FROM search_unindexed
    WHERE id = ANY(%(rows)s) AND added = '{}' AND removed = '{}'
)"""

MERGE_LINK_COUNTS = """
INSERT INTO search_setsize (set, links, shown, heavy)
SELECT tag, sum(change), 0, false FROM (
    SELECT tag, 1 AS change FROM search_unindexed, unnest(added) tag WHERE id = ANY(%(rows)s)
    UNION ALL
    SELECT tag, -1 FROM search_unindexed, unnest(removed) tag WHERE id = ANY(%(rows)s)
) changes GROUP BY tag HAVING sum(change) <> 0 ORDER BY tag
ON CONFLICT (set) DO UPDATE SET links = search_setsize.links + EXCLUDED.links
RETURNING set
"""

# Runs while the bitmaps still say what was. Of an image that everybody saw and still sees, only
# touched tags count; of one that came into sight or left it, all. By links alone none does either.
MERGE_PUBLIC_COUNTS = compose(
    """
WITH {changed_images}, was_shown AS MATERIALIZED (
    SELECT image FROM changed JOIN search_bitmap b ON b.set = {shown} AND b.block = {block}
    WHERE {was_set}
), is_shown AS MATERIALIZED (
    SELECT image FROM was_shown WHERE image NOT IN (SELECT image FROM itself)
    UNION ALL
    SELECT i.id FROM images_image i WHERE i.id IN (SELECT image FROM itself)
    AND i.visibility = 0 AND i.ended_at IS NULL
), untouched AS (
    SELECT l.image_id AS image, l.tag_id AS set FROM tags_imagetag l
    WHERE l.image_id IN ((TABLE was_shown EXCEPT TABLE is_shown)
                         UNION ALL (TABLE is_shown EXCEPT TABLE was_shown))
    AND l.tag_id IN (SELECT set FROM search_setsize WHERE heavy)
    EXCEPT SELECT image, set FROM tagged
), changes AS (
    SELECT set, -1 AS change FROM tagged JOIN was_shown USING (image)
    JOIN search_bitmap b USING (set)
    WHERE b.block = {block} AND {was_set}
    UNION ALL SELECT set, 1 FROM tagged JOIN is_shown USING (image)
    WHERE EXISTS (SELECT FROM tags_imagetag l WHERE l.image_id = image AND l.tag_id = set)
    UNION ALL SELECT set, -1 FROM untouched JOIN was_shown USING (image)
    UNION ALL SELECT set, 1 FROM untouched JOIN is_shown USING (image)
    UNION ALL SELECT {shown}, -1 FROM was_shown
    UNION ALL SELECT {shown}, 1 FROM is_shown
)
INSERT INTO search_setsize (set, links, shown, heavy)
SELECT set, 0, sum(change), false FROM changes GROUP BY set HAVING sum(change) <> 0 ORDER BY set
ON CONFLICT (set) DO UPDATE SET shown = search_setsize.shown + EXCLUDED.shown
""",
    changed_images=CHANGED_IMAGES,
    shown=SHOWN_SQL,
    block=block_of("image"),
    was_set=is_set("b.bits", "image"),
).text

BECOME_DENSE = """
UPDATE search_setsize SET heavy = true WHERE NOT heavy AND links > %s RETURNING set
"""


class Merged(NamedTuple):
    """How many changes were merged, and the tags that have another number of links."""

    changes: int
    tags: list[int]


NOTHING = Merged(0, [])


def merge(most: int | None = None, thresholds: Thresholds = DEFAULT) -> int:
    """Merge so many of the oldest pending changes, and all others of their images.

    Returns how many changes that was, 0 while another process is at the index. Without `most`, a
    batch as the thresholds have it.
    """
    merged = NOTHING
    with unless_busy(), index_transaction(nowait=True) as cursor:
        merged = merge_within(cursor, most, thresholds)
    # Not within: in one state of the database it would fail where others write these rows.
    statistics.copy_links(merged.tags)
    return merged.changes


def merge_within(
    cursor: CursorWrapper, most: int | None = None, thresholds: Thresholds = DEFAULT
) -> Merged:
    """What `merge` does in an `index_transaction`; afterwards, statistics have to be told of the
    tags."""
    cursor.execute(OLDEST, [most or thresholds.merge_batch_changes])
    images = cursor.fetchone()[0]
    if not images:
        return NOTHING
    cursor.execute(ALL_OF, [array(images)])
    changes: list[int] = cursor.fetchone()[0]
    rows: dict[str, Any] = {"rows": changes}
    cursor.execute(MERGE_PUBLIC_COUNTS, rows)
    field_terms.add_values(cursor, ITSELF, rows, thresholds.field_values_max)
    cursor.execute(MERGE_OWN_BITS, rows)
    field_terms.widen_spans(cursor, ITSELF, rows)
    cursor.execute(MERGE_TAG_BITS, rows)
    cursor.execute(MERGE_LINK_COUNTS, rows)
    tags = [tag for (tag,) in cursor.fetchall()]
    merge_log.append(cursor, changes, thresholds)
    cursor.execute("DELETE FROM search_unindexed WHERE id = ANY(%(rows)s)", rows)
    counters.compact(cursor)
    _make_dense(cursor, thresholds)
    return Merged(len(changes), tags)


def _make_dense(cursor: CursorWrapper, thresholds: Thresholds) -> None:
    """Give bitmaps to the tags that have become dense."""
    cursor.execute(BECOME_DENSE, [dense_links_min(cursor, thresholds)])
    if tags := [tag for (tag,) in cursor.fetchall()]:
        with in_order(cursor) as into:
            for span in spans(cursor):
                cursor.execute(into + TAG_BITS, {"tags": tags, **span})
        cursor.execute(COUNT_PUBLIC, [tags])
