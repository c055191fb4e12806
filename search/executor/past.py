"""Which images had tags at an instant, as sets of bits, whoever is shown them.

What was so at an instant does not change any more. So each of these sets is right for itself,
whatever is written between the statements that ask for several. It is made of what is so now, by
bitmaps and links: a link that came or went an odd number of times since was not there when it is
now, and the other way round. `search.executor.had` says the same row by row.
"""

from datetime import datetime
from typing import Any

from search.executor.bitmaps import ALL_IMAGES, TRUSTED
from search.executor.blocks import Blocks
from search.executor.since import CAME_OR_WENT
from search.executor.whole import of_statement
from search.index import terms
from search.index.bits import (
    EMPTY_BITS,
    block_of,
    block_of_word,
    single_bit,
    single_word_bit,
    whole_of_word,
    word_of,
)
from search.planner.named_tags import Clause
from taggedimages.postgresql.bulk import array
from taggedimages.postgresql.fragments import Fragment, bigint, bigints, compose, statement
from taggedimages.postgresql.routing import read_connection

# Images that were changed since the last merge are judged by their links. Both statements select
# (trusted, block, bits), and last a row without a block.
PENDING = compose(
    """
pending AS MATERIALIZED (SELECT DISTINCT image_id AS image FROM search_unindexed),
masks AS MATERIALIZED (
    SELECT {block} AS block, bit_or({bit}) AS bits FROM pending GROUP BY 1
)
""",
    block=block_of("image"),
    bit=single_bit("image"),
)
OF_TAGS = """
WITH {pending}, toggled AS (
    SELECT c.tag_id AS tag, c.image_id AS image FROM tags_tagchange c
    WHERE c.tag_id = ANY({tags}) AND c.changed_at > %(at)s AND {came_or_went}
    UNION ALL SELECT l.tag_id, l.image_id FROM tags_imagetag l WHERE l.tag_id = ANY({sparse})
    UNION ALL SELECT l.tag_id, l.image_id FROM tags_imagetag l
    WHERE l.image_id IN (SELECT image FROM pending) AND l.tag_id = ANY({dense})
), words AS (
    SELECT tag, {word} AS word, bit_xor({bit}) AS bits FROM toggled GROUP BY 1, 2
), parts AS (
    SELECT tag, {of_word} AS block, bit_or({whole}) AS bits FROM words GROUP BY 1, 2
    UNION ALL SELECT b.set, b.block, b.bits & ~coalesce(m.bits, {empty})
    FROM search_bitmap b LEFT JOIN masks m USING (block) WHERE b.set = ANY({dense})
)
SELECT {trusted}, block, bit_or(bits)::text
FROM (SELECT tag, block, bit_xor(bits) AS bits FROM parts GROUP BY 1, 2) each GROUP BY block
UNION ALL SELECT {trusted}, NULL, NULL
"""

# An image had a tag where more links were removed since than added, or where it has more links than
# that now.
TAGGED = """
WITH {pending}, since AS MATERIALIZED (
    SELECT c.image_id AS image, sum(CASE WHEN c.old_value IS NULL THEN 1 ELSE -1 END) AS gained
    FROM tags_tagchange c WHERE c.changed_at > %(at)s AND {came_or_went} GROUP BY 1
), judged AS MATERIALIZED (
    SELECT image, gained < 0 OR EXISTS (
        SELECT FROM tags_imagetag l WHERE l.image_id = image OFFSET greatest(gained, 0)
    ) AS had
    FROM (
        TABLE since UNION ALL
        SELECT image, 0 FROM pending WHERE image NOT IN (SELECT image FROM since)
    ) each
), words AS (
    SELECT {word} AS word, bit_or({bit}) AS asked,
           coalesce(bit_or({bit}) FILTER (WHERE had), 0) AS had
    FROM judged GROUP BY 1
), told AS (
    SELECT {of_word} AS block, bit_or({whole_asked}) AS asked, bit_or({whole_had}) AS had
    FROM words GROUP BY 1
)
SELECT {trusted}, block,
       (coalesce(b.bits, {empty}) & ~coalesce(t.asked, {empty}) | coalesce(t.had, {empty}))::text
FROM (SELECT block, bits FROM search_bitmap WHERE set = {tagged}) b FULL JOIN told t USING (block)
UNION ALL SELECT {trusted}, NULL, NULL
"""
LINES_SINCE = """
SELECT count(*) FROM (SELECT FROM tags_tagchange WHERE changed_at > %(at)s LIMIT %(most)s) lines
"""
# Lines since an instant up to which it is found out which images had any tag.
LINES_OF_TAGGED_MAX = 1_000_000

REGISTERED_SINCE = "SELECT id FROM images_image WHERE registered_at > %(at)s"
REGISTERED_BY = """
SELECT id FROM images_image WHERE registered_at <= %(at)s
UNION ALL SELECT id FROM images_image WHERE registered_at IS NULL
"""
LATER_OF = """
SELECT id FROM images_image WHERE id = ANY(%(images)s::bigint[]) AND registered_at > %(at)s
"""
# Whether most images came since, as far as PostgreSQL's own estimate tells how many there are.
MOST_CAME_SINCE = compose(
    """
SELECT count(*) * 2 >= {all_images}
FROM (SELECT FROM images_image WHERE registered_at > %(at)s LIMIT {all_images} / 2) later
""",
    all_images=ALL_IMAGES,
).text


class TooFarBack(Exception):
    """So much has happened since an instant that a question about it is not answered."""


def had_any_of(clause: Clause, at: datetime) -> Blocks:
    """All images that had any of some tags. One statement; two where bitmaps cannot tell now."""
    found = _told(_of_tags(clause, at), at)
    if found is None:
        found = _told(_of_tags(Clause(sparse=tuple(clause.tag_ids)), at), at)
    assert found is not None
    return found


def tagged(at: datetime) -> Blocks | None:
    """All images that had any tag; None where bitmaps cannot tell now. Two statements.

    Raises TooFarBack.
    """
    values: dict[str, Any] = {"at": at, "most": LINES_OF_TAGGED_MAX + 1}
    with read_connection().cursor() as cursor:
        cursor.execute(LINES_SINCE, values)
        (lines,) = cursor.fetchone()
    if lines > LINES_OF_TAGGED_MAX:
        raise TooFarBack(
            f"More than {LINES_OF_TAGGED_MAX:,} changes of tags since then: which images had none"
            " is not found out for so long ago."
        )
    asked = statement(
        TAGGED,
        pending=PENDING,
        came_or_went=CAME_OR_WENT,
        word=word_of("image"),
        bit=single_word_bit("image"),
        of_word=block_of_word("word"),
        whole_asked=whole_of_word("word", "asked"),
        whole_had=whole_of_word("word", "had"),
        empty=EMPTY_BITS,
        tagged=bigint(terms.TAGGED),
        trusted=Fragment("NOT EXISTS (SELECT FROM search_rebuild)"),
    )
    return _told(asked, at)


def registered_by(images: Blocks, at: datetime, looked_up_max: int) -> Blocks:
    """Those of some images that were there; so many are looked up one by one. Two statements."""
    values = {"at": at}
    with read_connection().cursor() as cursor:
        if len(images) <= looked_up_max:
            cursor.execute(LATER_OF, {**values, "images": array(images)})
            return images - Blocks.of(image for (image,) in cursor.fetchall())
        cursor.execute(MOST_CAME_SINCE, values)
        (most_came_since,) = cursor.fetchone()
    told = of_statement(REGISTERED_BY if most_came_since else REGISTERED_SINCE, values)
    return images & told if most_came_since else images - told


def _of_tags(clause: Clause, at: datetime) -> Fragment:
    dense = clause.dense
    return statement(
        OF_TAGS,
        pending=PENDING,
        came_or_went=CAME_OR_WENT,
        tags=bigints(clause.tag_ids),
        dense=bigints(dense),
        sparse=bigints(clause.sparse),
        word=word_of("image"),
        bit=single_word_bit("image"),
        of_word=block_of_word("word"),
        whole=whole_of_word("word", "bits"),
        empty=EMPTY_BITS,
        trusted=(
            compose(TRUSTED, terms=bigints(dense), count=bigint(len(dense)))
            if dense
            else Fragment("true")
        ),
    )


def _told(asked: Fragment, at: datetime) -> Blocks | None:
    """The blocks that a statement selects; None where bitmaps are not to be trusted."""
    with read_connection().cursor() as cursor:
        cursor.execute(asked.text, {**asked.parameters, "at": at})
        rows = cursor.fetchall()
    if not rows[-1][0]:
        return None
    return Blocks.read((block, bits) for _, block, bits in rows if block is not None)
