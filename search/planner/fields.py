"""What a query asks of the fields that the index knows: values, ranges and characters."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from search.index import fields
from search.query import Query
from taggedimages.epochs import epoch_seconds
from taggedimages.postgresql.folding import folded

# Bits of the numbers that most images have.
USUAL_BITS = {"width": 13, "height": 13, "size": 25, "created": 32, "uploaded": 32}


class FieldValues(NamedTuple):
    """A field of `search.index.fields.VALUES` by its name, which has to have one of some values."""

    field: str
    values: tuple[str, ...]


class FieldRange(NamedTuple):
    """A field of `search.index.fields.NUMBERS` by its name, whose number has to be within bounds,
    both included: 0 and None are open."""

    field: str
    at_least: int
    at_most: int | None

    @property
    def is_empty(self) -> bool:
        """Whether no number is in it."""
        highest = (1 << fields.NUMBERS[self.field].bits) - 1
        return min(highest, highest if self.at_most is None else self.at_most) < self.at_least


def values_of(query: Query) -> tuple[FieldValues, ...]:
    """The values that a query asks for."""
    asked = {
        "format": query.formats,
        "modality": query.modalities,
        "body_part": query.body_parts,
    }
    return tuple(FieldValues(field, values) for field, values in asked.items() if values)


def ranges_of(query: Query) -> tuple[FieldRange, ...]:
    """The ranges that a query asks for, but for the time of creation; times are whole seconds."""
    return (
        *_of_known("width", query.min_width, query.max_width),
        *_of_known("height", query.min_height, query.max_height),
        *_bounded("size", query.min_size or 0, query.max_size),
        *_of_known("uploaded", *_seconds(query.uploaded_from, query.uploaded_before)),
    )


def created_of(start: datetime | None, before: datetime | None) -> tuple[FieldRange, ...]:
    """A window of the time of creation, in whole seconds, as a range, where there is one."""
    at_least, at_most = _seconds(start, before)
    return tuple(_bounded("created", at_least or 0, at_most))


def is_whole(*instants: datetime | None) -> bool:
    """Whether instants, those that there are, are whole seconds."""
    return not any(instant and instant.microsecond for instant in instants)


def slices_read(asked: FieldRange) -> int:
    """About how many slices of the index are read for a range, of those that have images."""
    bounds = (asked.at_least, 0 if asked.at_most is None else asked.at_most + 1)
    lowest = [(bound & -bound).bit_length() - 1 for bound in bounds if bound]
    return sum(max(USUAL_BITS[asked.field] - bit, 1) for bit in lowest)


def character_of(part: str) -> str | None:
    """The character, folded, whose term says all of a part of a filename; None where none does."""
    text = folded(part)
    return text if len(text) == 1 and text.isascii() and text.isprintable() else None


def _seconds(start: datetime | None, before: datetime | None) -> tuple[int | None, int | None]:
    """A window as bounds of what the index keeps of a time."""
    return (
        None if start is None else fields.of_second(epoch_seconds(start)),
        None if before is None else fields.of_second(epoch_seconds(before)) - 1,
    )


def _of_known(field: str, least: int | None, most: int | None) -> Iterator[FieldRange]:
    """Bounds of what may not be known; its number then is 0, or there is none, and in no range."""
    if least is not None or most is not None:
        yield FieldRange(field, max(least or 0, 1), most)


def _bounded(field: str, least: int, most: int | None) -> Iterator[FieldRange]:
    if least or most is not None:
        yield FieldRange(field, least, most)
