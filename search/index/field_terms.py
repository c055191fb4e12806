"""The terms of fields, of some images and of all in a span of ids, as SQL; and their adoption.

An index of before has none of them until the worker has made them (`FieldTermsBuilt`): until then,
what asks for fields is answered row by row.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from search.index import fields, terms
from search.index.bits import (
    block_of,
    block_of_word,
    single_word_bit,
    whole_of_word,
    word_of,
)
from search.index.thresholds import Thresholds
from search.index.writing import in_order
from taggedimages.postgresql.fragments import Fragment, compose

OF_IMAGE = "FROM images_image i LEFT JOIN images_facts f ON f.image_id = i.id"
NUMBERS, VALUES = fields.NUMBERS.values(), fields.VALUES.values()

# SQL selecting (set, image): the terms of the fields of some images, one row each. For all images
# that would be some dozens a row.
FIELD_TERMS = f"""
SELECT {terms.SLICES} - (n.field * {terms.SLICES_MAX} + k.bit) AS set, n.image
FROM (SELECT i.id AS image, field, bits, number {OF_IMAGE},
      LATERAL (VALUES {", ".join(f"({it.number}, {it.bits}, {it.sql})" for it in NUMBERS)})
          v (field, bits, number)
      WHERE i.ended_at IS NULL AND {{images}} OFFSET 0) n,
    LATERAL generate_series(0, n.bits - 1) k (bit)
WHERE n.number >> k.bit & 1 = 1
UNION ALL
SELECT DISTINCT {terms.CHARACTERS} - ascii(c.one), i.id
FROM images_image i, LATERAL string_to_table(text_folded(i.filename), NULL) c (one)
WHERE i.ended_at IS NULL AND ascii(c.one) BETWEEN {ord(fields.CHARACTERS[0])}
    AND {ord(fields.CHARACTERS[-1])} AND {{images}}
"""  # noqa: S608
VALUE_TERMS = f"""
SELECT {terms.VALUES} - d.id AS set, n.image
FROM (SELECT i.id AS image, field, value {OF_IMAGE},
      LATERAL (VALUES {", ".join(f"({it.number}, {it.sql})" for it in VALUES)}) v (field, value)
      WHERE i.ended_at IS NULL AND {{images}} OFFSET 0) n
JOIN search_fieldvalue d USING (field, value)
"""  # noqa: S608

# Values that the dictionary lacks, the most frequent first, as far as there is room for them.
MISSING_VALUES = f"""
SELECT field, value, room, row_number() OVER (PARTITION BY field ORDER BY count(*) DESC, value)
FROM (SELECT field, value {OF_IMAGE},
      LATERAL (VALUES {", ".join(f"({it.number}, {it.sql})" for it in VALUES)}) v (field, value)
      WHERE i.ended_at IS NULL AND {{images}} OFFSET 0) n,
    LATERAL (SELECT %(values_max)s - count(*) AS room FROM search_fieldvalue d
             WHERE d.field = n.field) r
WHERE length(value) BETWEEN 1 AND {fields.VALUE_LENGTH_MAX}
AND NOT EXISTS (SELECT FROM search_fieldvalue d WHERE d.field = n.field AND d.value = n.value)
GROUP BY field, value, room
"""  # noqa: S608
ADD_VALUES = """
INSERT INTO search_fieldvalue (field, value)
SELECT field, value FROM ({missing}) m (field, value, room, place)
WHERE place <= room ORDER BY field, place
"""

# When the images of each block were created: nothing but bounds, which only a rebuild narrows.
WIDEN_SPANS = """
INSERT INTO search_blockspan AS s (block, created_min, created_max)
SELECT {block}, min(i.created_at), max(i.created_at) FROM images_image i
WHERE i.ended_at IS NULL AND {images} GROUP BY 1
ON CONFLICT (block) DO UPDATE
SET created_min = least(s.created_min, EXCLUDED.created_min),
    created_max = greatest(s.created_max, EXCLUDED.created_max)
WHERE s.created_min > EXCLUDED.created_min OR s.created_max < EXCLUDED.created_max
"""

OF_SPAN = "i.id >= %(first)s AND i.id < %(beyond)s"


def of_images(images: str) -> tuple[Fragment, Fragment]:
    """SQL selecting (set, image) of the images `i` of which a condition holds: the terms of what
    their fields say, and those of values that the dictionary has."""
    which = Fragment(images)
    return compose(FIELD_TERMS, images=which), compose(VALUE_TERMS, images=which)


WITHOUT_TERM = "SELECT count(*) FROM ({missing}) m (field, value, room, place) WHERE place <= room"
# Blocks whose images were created at other times than their span says.
OUTSIDE_SPANS = compose(
    """
SELECT count(*) FROM (
    SELECT {block} AS block, min(i.created_at) AS first, max(i.created_at) AS last
    FROM images_image i WHERE i.ended_at IS NULL GROUP BY 1
) t LEFT JOIN search_blockspan s USING (block)
WHERE (first >= created_min AND last <= created_max) IS NOT TRUE
""",
    block=block_of("i.id"),
).text


def add_values(cursor: CursorWrapper, images: str, values: Mapping[str, Any], most: int) -> None:
    """Take the values of the images `i` of which a condition holds into the dictionary, up to so
    many of each field. In an `index_transaction`."""
    missing = compose(MISSING_VALUES, images=Fragment(images))
    cursor.execute(compose(ADD_VALUES, missing=missing).text, {"values_max": most, **values})


def widen_spans(cursor: CursorWrapper, images: str, values: Mapping[str, Any]) -> None:
    """Have the spans of blocks hold the images `i` of which a condition holds."""
    asked = compose(WIDEN_SPANS, block=block_of("i.id"), images=Fragment(images))
    cursor.execute(asked.text, values)


def _of_span() -> str:
    """SQL selecting (set, block, bits): all slices and characters of a span, in one look at each of
    its images: of 64 images at a time, each term is one word."""
    columns = [
        (terms.of_slice(field.number, bit), f"{field.name} >> {bit} & 1 = 1")
        for field in NUMBERS
        for bit in range(field.bits)
    ] + [
        (terms.of_character(one), f"strpos(filename, chr({ord(one)})) > 0")
        for one in fields.CHARACTERS
    ]
    words = [f"bit_or(bit) FILTER (WHERE {having}) AS w{-term}" for term, having in columns]
    return f"""
SELECT set, {block_of_word("word").text}, bit_or({whole_of_word("word", "bits").text})
FROM (
    SELECT word, {", ".join(words)}
    FROM (SELECT {word_of("i.id").text} AS word, {single_word_bit("i.id").text} AS bit,
                 text_folded(i.filename) AS filename,
                 {", ".join(f"{field.sql} AS {field.name}" for field in NUMBERS)}
          {OF_IMAGE} WHERE i.ended_at IS NULL AND {OF_SPAN} OFFSET 0) n
    GROUP BY word
) words, LATERAL (VALUES {", ".join(f"({term}, w{-term})" for term, _ in columns)}) v (set, bits)
WHERE bits IS NOT NULL GROUP BY 1, 2
"""  # noqa: S608


SPAN_BITS = _of_span()

# SQL selecting (set, block, bits): the values of a span.
SPAN_VALUES = compose(
    """
SELECT set, {block}, bit_or({whole})
FROM (SELECT set, {word} AS word, bit_or({bit}) AS bits FROM ({terms}) t GROUP BY 1, 2) words
GROUP BY 1, 2
""",
    block=block_of_word("word"),
    whole=whole_of_word("word", "bits"),
    word=word_of("image"),
    bit=single_word_bit("image"),
    terms=of_images(OF_SPAN)[1],
).text
EMPTY = f"""
DELETE FROM search_bitmap WHERE set <= {terms.VALUES};
DELETE FROM search_fieldvalue; DELETE FROM search_blockspan; DELETE FROM search_fieldtermsbuilt
"""  # noqa: S608
ARE_DUE = "SELECT NOT EXISTS (SELECT FROM search_fieldtermsbuilt)"
BUILT = "INSERT INTO search_fieldtermsbuilt (built_at) VALUES (now())"


def verify(cursor: CursorWrapper, thresholds: Thresholds, *, repair: bool) -> int:
    """How many values have no term that could have one, and how many blocks no right span; with
    `repair`, all have afterwards, but for the values' bitmaps. In an `index_transaction`."""
    missing = compose(MISSING_VALUES, images=Fragment("true"))
    cursor.execute(
        compose(WITHOUT_TERM, missing=missing).text, {"values_max": thresholds.field_values_max}
    )
    (wrong,) = cursor.fetchone()
    cursor.execute(OUTSIDE_SPANS)
    wrong += cursor.fetchone()[0]
    if wrong and repair:
        add_values(cursor, "true", {}, thresholds.field_values_max)
        widen_spans(cursor, "true", {})
    return int(wrong)


def build(cursor: CursorWrapper, within: Iterable[dict[str, int]], thresholds: Thresholds) -> None:
    """Make the terms of fields anew, of all images, by spans of ids. In an `index_transaction`."""
    cursor.execute(EMPTY)
    add_values(cursor, "true", {}, thresholds.field_values_max)
    widen_spans(cursor, "true", {})
    with in_order(cursor) as into:
        for span in within:
            build_span(cursor, span, into)
    cursor.execute(BUILT)


def build_span(cursor: CursorWrapper, span: dict[str, int], into: str) -> None:
    """Make the bitmaps of the fields of a span, which has none. In an `index_transaction`."""
    cursor.execute(into + SPAN_BITS, span)
    cursor.execute(into + SPAN_VALUES, span)


def are_due() -> bool:
    """Whether the index was made before fields were terms of it."""
    with connection.cursor() as cursor:
        cursor.execute(ARE_DUE)
        return bool(cursor.fetchone()[0])
