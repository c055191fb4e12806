"""Bitmaps and statistics made anew from images and links, by spans of ids that bound the memory.

What goes in are `images_image` and `tags_imagetag` in one state of the database, what comes out are
all tables of the index.
"""

from collections.abc import Callable, Iterator

from django.db.backends.utils import CursorWrapper

from search.index import field_terms, terms
from search.index.bits import (
    block_of,
    block_of_word,
    part_of,
    single_part_bit,
    single_word_bit,
    whole_block,
    whole_of_word,
    word_of,
)
from search.index.field_terms import OF_SPAN
from search.index.locking import index_transaction, unless_busy
from search.index.merge_log import invalidate_caches
from search.index.thresholds import DEFAULT, Thresholds
from search.index.writing import INTO_INDEX, in_order
from search.models import BLOCK
from taggedimages.postgresql.fragments import Fragment, compose
from tags import counters, shown_rows, statistics

# Blocks that are built or verified in one statement.
SPAN_BLOCKS = 16

# Is told how many ids of images were gone through since it was told last.
Told = Callable[[int], object]

SHOWN_SQL = Fragment(str(terms.SHOWN))

# SQL selecting (set, image): the terms that images are in by what they are themselves.
OWN_TERMS = """
SELECT {uploaded} AS set, i.id AS image FROM images_image i
WHERE i.uploaded_at IS NOT NULL AND {images}
UNION ALL
SELECT {unended}, i.id FROM images_image i WHERE i.ended_at IS NULL AND {images}
UNION ALL
SELECT {audiences} - images_audience(i.visibility, i.ended_at, i.created_by_id, i.project_id), i.id
FROM images_image i WHERE i.ended_at IS NULL AND {images}
UNION ALL
SELECT {projects} - p.id, i.id
FROM images_image i JOIN search_projectset p USING (project_id)
WHERE i.ended_at IS NULL AND {images}
"""
# The same of the one that they are in by their links.
LINKED_TERM = """
SELECT {tagged} AS set, i.id AS image FROM images_image i
WHERE EXISTS (SELECT FROM tags_imagetag l WHERE l.image_id = i.id) AND {images}
"""

TAGGED_SQL = Fragment(str(terms.TAGGED))


def own_terms(images: str) -> Fragment:
    """SQL selecting (set, image) of the images `i` of which a condition holds: all terms that
    links do not change."""
    return compose(
        OWN_TERMS,
        images=Fragment(images),
        uploaded=Fragment(str(terms.UPLOADED)),
        unended=Fragment(str(terms.UNENDED)),
        audiences=Fragment(str(terms.AUDIENCES)),
        projects=Fragment(str(terms.PROJECTS)),
    )


def linked_term(images: str) -> Fragment:
    """SQL selecting (set, image): which of the images `i` of which a condition holds have a tag."""
    return compose(LINKED_TERM, images=Fragment(images), tagged=TAGGED_SQL)


# Both select (set, block, bits) of a span, whose parameters are `first` and `beyond`.
IMAGE_BITS = compose(
    """
SELECT set, {block}, bit_or({whole}) FROM (
    SELECT set, {word} AS word, bit_or({bit}) AS bits
    FROM ({own} UNION ALL {linked}) of_image GROUP BY 1, 2
) words GROUP BY 1, 2
""",
    block=block_of_word("word"),
    whole=whole_of_word("word", "bits"),
    word=word_of("image"),
    bit=single_word_bit("image"),
    own=own_terms(OF_SPAN),
    linked=linked_term(OF_SPAN),
).text
TAG_BITS = compose(
    """
SELECT set, block, bit_or({whole})
FROM (SELECT tag_id AS set, {block} AS block, {part} AS part, bit_or({bit}) AS bits
      FROM tags_imagetag
      WHERE tag_id = ANY(%(tags)s) AND image_id >= %(first)s AND image_id < %(beyond)s
      GROUP BY 1, 2, 3) parts
GROUP BY 1, 2
""",
    whole=whole_block("bits"),
    block=block_of("image_id"),
    part=part_of("image_id"),
    bit=single_part_bit("image_id"),
).text
# Of terms that got their bitmaps just now: how many of their images everybody is shown.
COUNT_PUBLIC = compose(
    """
INSERT INTO search_setsize (set, links, shown, heavy)
SELECT z.set, 0, coalesce((
    SELECT sum(bit_count(t.bits & s.bits)) FROM search_bitmap t
    JOIN search_bitmap s ON s.set = {shown} AND s.block = t.block WHERE t.set = z.set
), 0), false FROM unnest(%s::bigint[]) z (set)
ON CONFLICT (set) DO UPDATE SET shown = EXCLUDED.shown
""",
    shown=SHOWN_SQL,
).text

# Projects whose images are not in the index, and will be at the end of the transaction.
REGISTER_PROJECTS = """
INSERT INTO search_projectset (project_id)
SELECT p.id FROM identity_project p
WHERE NOT EXISTS (SELECT FROM search_projectset s WHERE s.project_id = p.id)
ORDER BY p.id RETURNING id
"""

COUNT_TAG_LINKS = """
INSERT INTO search_setsize (set, links, shown, heavy)
SELECT tag_id, count(*), 0, count(*) > %s OR tag_id = ANY(%s) FROM tags_imagetag GROUP BY 1
"""
EMPTY_INDEX = """
DELETE FROM search_bitmap; DELETE FROM search_setsize; DELETE FROM search_unindexed;
DELETE FROM search_rebuild
"""


def rebuild(thresholds: Thresholds = DEFAULT, told: Told = lambda ids: None) -> None:
    """Make the whole index anew, after whoever is at it; searches go on by the old one.

    What triggers did not see may have changed whom tags are shown to: that is mended first.
    """
    shown_rows.verify(repair=True)
    with index_transaction() as cursor:
        rebuild_within(cursor, thresholds, told)
    # Not within: in one state of the database it would fail where a worker writes that row.
    statistics.check_again()


def rebuild_within(
    cursor: CursorWrapper, thresholds: Thresholds = DEFAULT, told: Told = lambda ids: None
) -> None:
    """What `rebuild` does in an `index_transaction`; afterwards, statistics have to be checked."""
    were_dense = dense_tags(cursor)
    cursor.execute(EMPTY_INDEX)
    invalidate_caches(cursor)
    # A tag that had bitmaps keeps them: a search that runs now may have planned with them.
    cursor.execute(COUNT_TAG_LINKS, [dense_links_min(cursor, thresholds), were_dense])
    dense = dense_tags(cursor)
    cursor.execute(REGISTER_PROJECTS)
    field_terms.build(cursor, (), thresholds)
    with in_order(cursor) as into:
        for span in spans(cursor):
            build_span(cursor, dense, span, into)
            told(span["beyond"] - span["first"])
    cursor.execute(COUNT_PUBLIC, [[terms.SHOWN, *dense]])
    cursor.execute(counters.RECOUNT)


def build_span(
    cursor: CursorWrapper, dense: list[int], span: dict[str, int], into: str = INTO_INDEX
) -> None:
    """Make the bitmaps of a span, which has none. In an `index_transaction`."""
    cursor.execute(into + IMAGE_BITS, span)
    cursor.execute(into + TAG_BITS, {"tags": dense, **span})
    field_terms.build_span(cursor, span, into)


def adopt_fields(thresholds: Thresholds = DEFAULT) -> None:
    """Make the terms of fields in an index that was made before there were any; searches of tags go
    on by it. Not while another process is at the index."""
    with unless_busy(), index_transaction(nowait=True) as cursor:
        field_terms.build(cursor, spans(cursor), thresholds)


def dense_tags(cursor: CursorWrapper) -> list[int]:
    """The ids of tags that have bitmaps."""
    cursor.execute("SELECT coalesce(array_agg(set), '{}') FROM search_setsize WHERE heavy")
    tags: list[int] = cursor.fetchone()[0]
    return tags


def dense_links_min(cursor: CursorWrapper, thresholds: Thresholds) -> int:
    """Links beyond which a tag is dense; by the highest id, gaps of deleted images included."""
    cursor.execute("SELECT coalesce(max(id), 0) FROM images_image")
    highest = int(cursor.fetchone()[0])
    return max(thresholds.dense_min_links, highest // thresholds.dense_image_ids_per_link)


def spans(cursor: CursorWrapper) -> Iterator[dict[str, int]]:
    """Ranges of image ids, `first` and `beyond`, that each fit in one statement."""
    cursor.execute("SELECT coalesce(max(id), -1) FROM images_image")
    (last,) = cursor.fetchone()
    for first in range(0, last + 1, SPAN_BLOCKS * BLOCK):
        yield {"first": first, "beyond": first + SPAN_BLOCKS * BLOCK}
