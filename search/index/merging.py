"""Keeping the tag index: taking changes in, building it, verifying it.

Triggers note each changed image in `search_unindexed`; `fold` takes them in and forgets them, in
one transaction that sees one state of the database. What a bit becomes is read from the links and
images of that state, never worked out from the order of changes, so folding twice or late is
right too.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, connection, transaction
from django.db.backends.utils import CursorWrapper

from search.index import terms
from search.models import BLOCK
from taggedimages.transactions import LOCK_NOT_AVAILABLE, sqlstate
from tags import counters

# Changes that one fold takes in: it holds them in memory and blocks nobody.
BATCH = 5_000
# A tag gets bitmaps once it has more links than one image in SHARE, and than LEAST.
SHARE, LEAST = 256, 1_024
NO_BITS = f"repeat('0', {BLOCK})::bit({BLOCK})"
# Blocks that are built or verified in one statement.
STRIDE = 16


# Bitmaps are put together from parts: each link then costs some bytes, and not a whole block.
PART = 512


def part_of(image: str) -> str:
    """SQL: which part of its block an image is in."""
    return f"(({image} & {BLOCK - 1}) / {PART})::int"


def part_bit(image: str) -> str:
    """SQL: a part that has this image alone."""
    return f"set_bit(repeat('0', {PART})::bit({PART}), ({image} & {PART - 1})::int, 1)"


def whole(bits: str) -> str:
    """SQL: the block that has of its `part` these bits, and no others."""
    return f"(repeat('0', part * {PART})::varbit || {bits})::bit({BLOCK})"


def bit(image: str) -> str:
    """SQL: a bitmap that has this image alone."""
    return f"set_bit({NO_BITS}, ({image} & {BLOCK - 1})::int, 1)"


# What an image is in, besides its tags.
MEMBERSHIPS = f"""
    SELECT {terms.UPLOADED} AS set, i.id AS image FROM images_image i
    WHERE i.uploaded_at IS NOT NULL AND {{images}}
    UNION ALL
    SELECT {terms.UNENDED}, i.id FROM images_image i WHERE i.ended_at IS NULL AND {{images}}
    UNION ALL
    SELECT {terms.AUDIENCES} - images_audience(i.private, i.ended_at, i.created_by_id), i.id
    FROM images_image i WHERE i.ended_at IS NULL AND {{images}}
    UNION ALL
    SELECT {terms.PROJECTS} - p.id, i.id
    FROM images_image i JOIN search_projectset p USING (project_id)
    WHERE i.ended_at IS NULL AND {{images}}
    UNION ALL
    SELECT {terms.TAGGED}, i.id FROM images_image i
    WHERE EXISTS (SELECT FROM tags_imagetag l WHERE l.image_id = i.id) AND {{images}}
"""

# Of each pair of a set and a changed image: was it, is it.
FOLD = f"""
WITH taken AS MATERIALIZED (
    SELECT image_id, added, removed FROM search_unindexed WHERE id = ANY(%(rows)s)
), changed AS MATERIALIZED (
    SELECT DISTINCT image_id AS image FROM taken
), tagged AS (
    SELECT DISTINCT image_id AS image, tag AS set
    FROM taken, unnest(added || removed) tag
    WHERE tag IN (SELECT set FROM search_setsize WHERE heavy)
), touched AS (
    SELECT image, set FROM tagged
    UNION ALL
    SELECT image, b.set FROM changed
    JOIN search_bitmap b ON b.set < 0 AND b.block = image / {BLOCK}
    WHERE get_bit(b.bits, (image & {BLOCK - 1})::int) = 1
), present AS (
    SELECT image, set FROM tagged
    WHERE EXISTS (SELECT FROM tags_imagetag l WHERE l.image_id = image AND l.tag_id = set)
    UNION ALL
    SELECT image, set FROM (
        {MEMBERSHIPS.format(images="i.id IN (SELECT image FROM changed)")}
    ) of_image
), parts AS (
    SELECT set, (image / {BLOCK})::int AS block, {part_of("image")} AS part,
           bit_or({part_bit("image")}) AS known,
           bit_or({part_bit("image")}) FILTER (WHERE here) AS here
    FROM (SELECT image, set, false AS here FROM touched
          UNION ALL SELECT image, set, true FROM present) pairs
    GROUP BY 1, 2, 3
), masks AS (
    SELECT set, block, bit_or({whole("known")}) AS known,
           coalesce(bit_or({whole("here")}), {NO_BITS}) AS here
    FROM parts GROUP BY 1, 2
)
MERGE INTO search_bitmap b USING masks m ON b.set = m.set AND b.block = m.block
WHEN MATCHED THEN UPDATE SET bits = (b.bits & ~m.known) | m.here
WHEN NOT MATCHED AND bit_count(m.here) > 0 THEN INSERT (set, block, bits)
    VALUES (m.set, m.block, m.here)
"""

COUNT = """
INSERT INTO search_setsize (set, links, shown, heavy)
SELECT tag, sum(change), 0, false FROM (
    SELECT tag, 1 AS change FROM search_unindexed, unnest(added) tag WHERE id = ANY(%(rows)s)
    UNION ALL
    SELECT tag, -1 FROM search_unindexed, unnest(removed) tag WHERE id = ANY(%(rows)s)
) changes GROUP BY tag HAVING sum(change) <> 0 ORDER BY tag
ON CONFLICT (set) DO UPDATE SET links = search_setsize.links + EXCLUDED.links
"""

# Runs before FOLD, while the bitmaps still say what was. Of an image that everybody saw and still
# sees, only touched tags count; of one that came into sight or left it, all.
COUNT_SHOWN = f"""
WITH taken AS MATERIALIZED (
    SELECT image_id, added, removed FROM search_unindexed WHERE id = ANY(%(rows)s)
), changed AS MATERIALIZED (
    SELECT DISTINCT image_id AS image FROM taken
), touched AS MATERIALIZED (
    SELECT DISTINCT image_id AS image, tag AS set
    FROM taken, unnest(added || removed) tag
    WHERE tag IN (SELECT set FROM search_setsize WHERE heavy)
), was_shown AS MATERIALIZED (
    SELECT image FROM changed JOIN search_bitmap b
    ON b.set = {terms.SHOWN} AND b.block = image / {BLOCK}
    WHERE get_bit(b.bits, (image & {BLOCK - 1})::int) = 1
), is_shown AS MATERIALIZED (
    SELECT i.id AS image FROM images_image i WHERE i.id IN (SELECT image FROM changed)
    AND images_audience(i.private, i.ended_at, i.created_by_id) = 0
), untouched AS (
    SELECT l.image_id AS image, l.tag_id AS set FROM tags_imagetag l
    WHERE l.image_id IN ((TABLE was_shown EXCEPT TABLE is_shown)
                         UNION ALL (TABLE is_shown EXCEPT TABLE was_shown))
    AND l.tag_id IN (SELECT set FROM search_setsize WHERE heavy)
    EXCEPT SELECT image, set FROM touched
), changes AS (
    SELECT set, -1 AS change FROM touched JOIN was_shown USING (image)
    JOIN search_bitmap b USING (set)
    WHERE b.block = image / {BLOCK} AND get_bit(b.bits, (image & {BLOCK - 1})::int) = 1
    UNION ALL SELECT set, 1 FROM touched JOIN is_shown USING (image)
    WHERE EXISTS (SELECT FROM tags_imagetag l WHERE l.image_id = image AND l.tag_id = set)
    UNION ALL SELECT set, -1 FROM untouched JOIN was_shown USING (image)
    UNION ALL SELECT set, 1 FROM untouched JOIN is_shown USING (image)
    UNION ALL SELECT {terms.SHOWN}, -1 FROM was_shown
    UNION ALL SELECT {terms.SHOWN}, 1 FROM is_shown
)
INSERT INTO search_setsize (set, links, shown, heavy)
SELECT set, 0, sum(change), false FROM changes GROUP BY set HAVING sum(change) <> 0 ORDER BY set
ON CONFLICT (set) DO UPDATE SET shown = search_setsize.shown + EXCLUDED.shown
"""

BECOME_HEAVY = """
UPDATE search_setsize SET heavy = true WHERE NOT heavy AND links > %s RETURNING set
"""

TAG_BITS = f"""
SELECT set, block, bit_or({whole("bits")})
FROM (SELECT tag_id AS set, (image_id / {BLOCK})::int AS block, {part_of("image_id")} AS part,
             bit_or({part_bit("image_id")}) AS bits
      FROM tags_imagetag
      WHERE tag_id = ANY(%(tags)s) AND image_id >= %(first)s AND image_id < %(beyond)s
      GROUP BY 1, 2, 3) parts
GROUP BY 1, 2
"""

IMAGE_BITS = f"""
SELECT set, (image / {BLOCK})::int, bit_or({bit("image")}) FROM (
    {MEMBERSHIPS.format(images="i.id >= %(first)s AND i.id < %(beyond)s")}
) of_image GROUP BY 1, 2
"""

# All changes of an image at once: what is worked out of its links is right only when all that
# was changed in them is taken in.
OLDEST = """
SELECT array_agg(id) FROM search_unindexed
WHERE image_id IN (SELECT image_id FROM search_unindexed ORDER BY id LIMIT %s)
"""

# Projects whose images are not in the index, and will be at the end of the transaction.
REGISTER = """
INSERT INTO search_projectset (project_id)
SELECT p.id FROM identity_project p
WHERE NOT EXISTS (SELECT FROM search_projectset s WHERE s.project_id = p.id)
ORDER BY p.id RETURNING id
"""

# Which blocks a fold changes. Whoever remembers what was before reads all that are named since, so
# the oldest folds go once others name as many blocks as are worth it.
NOTE = f"""
INSERT INTO search_fold (id, blocks)
SELECT greatest((extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
                (SELECT max(id) + 1 FROM search_fold)),
       ARRAY(SELECT DISTINCT (image_id / {BLOCK})::int FROM search_unindexed
             WHERE id = ANY(%(rows)s))
"""
FORGET = """
DELETE FROM search_fold WHERE id < (
    SELECT min(id) FROM (
        SELECT id, sum(cardinality(blocks)) OVER (ORDER BY id DESC) AS named FROM search_fold
    ) newest WHERE named <= %s OR id = (SELECT max(id) FROM search_fold)
)
"""
NAMED = 1_000

INTO_INDEX = "INSERT INTO search_bitmap (set, block, bits)"

# Of sets that got their bitmaps just now.
MEASURE = f"""
INSERT INTO search_setsize (set, links, shown, heavy)
SELECT z.set, 0, coalesce((
    SELECT sum(bit_count(t.bits & s.bits)) FROM search_bitmap t
    JOIN search_bitmap s ON s.set = {terms.SHOWN} AND s.block = t.block WHERE t.set = z.set
), 0), false FROM unnest(%s::bigint[]) z (set)
ON CONFLICT (set) DO UPDATE SET shown = EXCLUDED.shown
"""


def fold(most: int = BATCH) -> int:
    """Take in so many of the oldest changes, and all others of their images.

    Returns how many, 0 when another process is at it.
    """
    with unless_busy(), one_state("NOWAIT") as cursor:
        return fold_within(cursor, most)
    return 0


def fold_all() -> int:
    """Take in all that has been changed until now; returns how many changes."""
    folded = 0
    while taken := fold():
        folded += taken
    return folded


def rebuild() -> None:
    """Make the whole index anew; searches go on by the old one meanwhile."""
    with one_state() as cursor:
        cursor.execute("SELECT coalesce(array_agg(set), '{}') FROM search_setsize WHERE heavy")
        (heavy,) = cursor.fetchone()
        for table in ("search_bitmap", "search_setsize", "search_unindexed", "search_rebuild"):
            cursor.execute(f"DELETE FROM {table}")
        disown(cursor)
        # A tag that had bitmaps keeps them: a search that runs now may have planned with them.
        cursor.execute(
            "INSERT INTO search_setsize (set, links, shown, heavy)"
            " SELECT tag_id, count(*), 0, count(*) > %s OR tag_id = ANY(%s)"
            " FROM tags_imagetag GROUP BY 1",
            [_threshold(cursor), heavy],
        )
        cursor.execute("SELECT coalesce(array_agg(set), '{}') FROM search_setsize WHERE heavy")
        (heavy,) = cursor.fetchone()
        cursor.execute(REGISTER)
        for span in spans(cursor):
            build(cursor, heavy, span)
        cursor.execute(MEASURE, [[terms.SHOWN, *heavy]])
        cursor.execute(counters.RECOUNT)


def build(cursor: CursorWrapper, heavy: list[int], span: dict[str, int]) -> None:
    """Make the bitmaps of a span, which has none."""
    cursor.execute(INTO_INDEX + IMAGE_BITS, span)
    cursor.execute(INTO_INDEX + TAG_BITS, {"tags": heavy, **span})


def disown(cursor: CursorWrapper) -> None:
    """Let nothing hold that was remembered of the bitmaps until now."""
    cursor.execute("DELETE FROM search_fold")
    cursor.execute(NOTE, {"rows": []})


def fold_within(cursor: CursorWrapper, most: int) -> int:
    """What `fold` does, in the transaction of `one_state`."""
    cursor.execute(OLDEST, [most])
    folded: list[int] = cursor.fetchone()[0]
    if not folded:
        return 0
    rows = {"rows": folded}
    cursor.execute(COUNT_SHOWN, rows)
    cursor.execute(FOLD, rows)
    cursor.execute(COUNT, rows)
    cursor.execute(NOTE, rows)
    cursor.execute(FORGET, [NAMED])
    cursor.execute("DELETE FROM search_unindexed WHERE id = ANY(%(rows)s)", rows)
    cursor.execute(counters.COMPACT)
    _promote(cursor)
    return len(folded)


def _promote(cursor: CursorWrapper) -> None:
    cursor.execute(BECOME_HEAVY, [_threshold(cursor)])
    if tags := [tag for (tag,) in cursor.fetchall()]:
        for span in spans(cursor):
            cursor.execute(INTO_INDEX + TAG_BITS, {"tags": tags, **span})
        cursor.execute(MEASURE, [tags])


def _threshold(cursor: CursorWrapper) -> int:
    cursor.execute("SELECT coalesce(max(id), 0) FROM images_image")
    return max(LEAST, int(cursor.fetchone()[0]) // SHARE)


def spans(cursor: CursorWrapper) -> Iterator[dict[str, int]]:
    """Ranges of image ids that each fit in one statement."""
    cursor.execute("SELECT coalesce(max(id), -1) FROM images_image")
    (last,) = cursor.fetchone()
    for first in range(0, last + 1, STRIDE * BLOCK):
        yield {"first": first, "beyond": first + STRIDE * BLOCK}


@contextmanager
def unless_busy() -> Iterator[None]:
    """Leave it at that where another process is at the index, and does as much."""
    try:
        yield
    except DatabaseError as error:
        if sqlstate(error) != LOCK_NOT_AVAILABLE:
            raise


@contextmanager
def one_state(wait: str = "") -> Iterator[CursorWrapper]:
    """The one transaction that changes the index, whose statements all see the same state."""
    outermost = not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if outermost:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        # Before the first query, and so before the state that all of them see.
        cursor.execute(f"LOCK TABLE search_rebuild IN SHARE ROW EXCLUSIVE MODE {wait}")
        yield cursor
