"""The fields of images that are terms of the index: values, the bits of numbers, and characters.

A value is a term by its number in a dictionary (`search.models.FieldValue`); of a number each bit
is one, a *slice*, so that any range is put together from as many bitmaps as numbers have bits; and
of filenames each character is. Only images without an end are in any.

SQL names the image `i` and its facts `f`, which may be missing.
"""

from typing import NamedTuple

from search.index import terms

# A time is the whole seconds since 1970, and so many more, that none is below 0.
EPOCH_OFFSET_SECONDS = 2**37
# Longer values, of which a header may have any, are no terms.
VALUE_LENGTH_MAX = 64
# Printable ASCII.
CHARACTERS = [chr(code) for code in range(0x20, 0x7F)]


class NumberField(NamedTuple):
    """A number of an image, not negative, of so many bits."""

    name: str
    number: int
    bits: int
    # A bigint; null where it is not known.
    sql: str


class ValueField(NamedTuple):
    """A text of an image."""

    name: str
    number: int
    # Null or empty where there is none.
    sql: str


def _seconds(column: str) -> str:
    return f"floor(extract(epoch FROM {column}))::bigint + {EPOCH_OFFSET_SECONDS}"


NUMBERS = {
    field.name: field
    for field in (
        # 0 says that it is not known.
        NumberField("width", 0, 31, "nullif(f.width, 0)::bigint"),
        NumberField("height", 1, 31, "nullif(f.height, 0)::bigint"),
        NumberField("size", 2, 63, "i.size"),
        NumberField("created", 3, 40, _seconds("i.created_at")),
        NumberField("uploaded", 4, 40, _seconds("i.uploaded_at")),
    )
}
VALUES = {
    field.name: field
    for field in (
        ValueField("format", 0, "f.format"),
        ValueField("modality", 1, "upper(f.dicom ->> 'Modality')"),
        ValueField("body_part", 2, "upper(f.dicom ->> 'BodyPartExamined')"),
    )
}
# Those that say something of the file, of an image with facts `f`; the others name `i` alone.
OF_FACTS = {"width", "height", *VALUES}
assert max(field.bits for field in NUMBERS.values()) <= terms.SLICES_MAX


def of_second(second: int) -> int:
    """The number of a time, by its whole seconds since 1970."""
    return second + EPOCH_OFFSET_SECONDS
