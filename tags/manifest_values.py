"""What the fields of a manifest's row mean. Empty ones and JSON's null are not given; what is not
understood is never taken for that: all functions raise BadValue then.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from images import file_names
from images.visibility import Visibility
from taggedimages.epochs import EPOCH
from taggedimages.postgresql.text import is_storable
from taggedimages.quoting import quoted
from taggedimages.truth import truth
from tags import names

NOT_GIVEN = (None, "")
# Of one field; csv.field_size_limit's default.
MAX_CHARACTERS = 131_072
MAX_SIZE = 2**63 - 1
# Python's marks of bytes that are none.
NO_UTF8 = re.compile("[\udc80-\udcff]")
WHOLE = re.compile(r"(-?\d{1,19})(?:\.0+)?", re.ASCII)
SECONDS = re.compile(r"(?P<sign>[+-]?)(?P<whole>\d+)(?:\.(?P<part>\d+))?", re.ASCII)
# Up to the year 2286; longer ones are milliseconds, or a time written in one.
MAX_SECONDS_DIGITS = 10
# Numbers that are read as years, or years and months, wherever they stand.
YEAR = re.compile(r"(1[5-9]|2[01])\d\d(0[1-9]|1[0-2])?")
DATE_DIGITS = 8


class BadValue(ValueError):
    """A value that cannot be used; the text names the column, quotes the value and says why."""

    def __init__(self, column: str, value: Any, why: str) -> None:
        super().__init__(f"{column}: {quoted(value)} {why}")

    @classmethod
    def too_long(cls, column: str, value: str) -> "BadValue":
        """Of a text of more than MAX_CHARACTERS."""
        return cls(column, value, f"has {len(value)} characters; {MAX_CHARACTERS} are allowed")


def text(column: str, given: Any) -> str:
    """A text that can be stored; empty where none is given."""
    if given in NOT_GIVEN:
        return ""
    if not isinstance(given, str):
        raise BadValue(column, given, "is no text")
    if len(given) > MAX_CHARACTERS:
        raise BadValue.too_long(column, given)
    if not is_storable(given):
        if NO_UTF8.search(given):
            raise BadValue(column, given, "is not UTF-8")
        raise BadValue(column, given, "has null characters or surrogates")
    return given


def path(column: str, given: Any) -> str:
    """The path of a file; empty where none is given."""
    found = text(column, given).strip()
    if found.endswith("/"):
        raise BadValue(column, given, "is a folder")
    if why := file_names.fault(found.rpartition("/")[2]):
        raise BadValue(column, given, why)
    return found


def tags(column: str, given: Any) -> dict[str, str]:
    """Names of tags with their values: of a list, or of an object."""
    if given in NOT_GIVEN:
        return {}
    if not isinstance(given, list | dict):
        raise BadValue(column, given, "is neither a list nor an object of tags and values")
    if isinstance(given, list):
        return dict.fromkeys([_name(column, written) for written in given], "")
    found: dict[str, str] = {}
    for written, value in given.items():
        name = _name(column, written)
        kept = text(column, value)
        if len(kept) > names.MAX_LENGTH:
            raise BadValue(column, value, f"is longer than {names.MAX_LENGTH} characters")
        if found.get(name, kept) != kept:
            raise BadValue(column, written, "has two values")
        found[name] = kept
    return found


def _name(column: str, written: Any) -> str:
    if not isinstance(written, str):
        raise BadValue(column, written, "is no name of a tag")
    try:
        return _entered(written)
    except names.BadName as error:
        raise BadValue(column, written, f"is no name of a tag: {error}") from error


# Manifests name the same tags over and over.
_entered = lru_cache(2**16)(names.entered)


def visibility(column: str, given: Any) -> Visibility | None:
    """A word of Visibility, in any case."""
    word = text(column, given).strip()
    if not word:
        return None
    labels = [str(label) for label in Visibility.labels]
    if word.casefold() not in labels:
        raise BadValue(column, given, f"is none of {', '.join(labels)}")
    return Visibility[word.upper()]


def is_true(column: str, given: Any) -> bool | None:
    """Yes or no; None where it is not given."""
    if isinstance(given, bool) or given is None:
        return given
    if type(given) is int and given in (0, 1):
        return bool(given)
    word = text(column, given).strip()
    try:
        return truth(word) if word else None
    except ValueError as error:
        raise BadValue(column, given, str(error)) from error


def size(column: str, given: Any) -> int | None:
    """Bytes."""
    written = _number(column, given)
    if not written:
        return None
    # A column with gaps comes as `10.0` out of some tools.
    whole = WHOLE.fullmatch(written)
    if whole is None or not 0 <= (found := int(whole[1])) <= MAX_SIZE:
        raise BadValue(column, given, "is no number of bytes")
    return found


def time(column: str, given: Any) -> datetime | None:
    """Epoch seconds, a date of eight digits, or ISO 8601; without an offset in UTC.

    Numbers that could be another thing, such as a year or milliseconds, are none of these.
    """
    written = _number(column, given)
    if not written:
        return None
    try:
        number = SECONDS.fullmatch(written)
        at = _of_digits(column, number) if number else datetime.fromisoformat(written)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except BadValue:
        raise
    except (ValueError, OverflowError) as error:
        why = "is neither epoch seconds nor a date or time in ISO 8601"
        raise BadValue(column, given, why) from error


def _of_digits(column: str, number: re.Match[str]) -> datetime:
    digits, part = number["whole"], number["part"] or ""
    if not number["sign"] and not part.strip("0"):
        if len(digits) == DATE_DIGITS:
            return datetime.strptime(digits, "%Y%m%d").replace(tzinfo=UTC)
        if YEAR.fullmatch(digits):
            raise BadValue(column, number[0], "may be a year or a month")
    if len(digits) > MAX_SECONDS_DIGITS:
        raise BadValue(column, number[0], "may be milliseconds, or a time written in one")
    microseconds = int(digits) * 10**6 + int(part[:6].ljust(6, "0"))
    if number["sign"] == "-":
        # Downwards on this side of 1970 too.
        microseconds = -microseconds - bool(part[6:].strip("0"))
    return EPOCH + timedelta(microseconds=microseconds)


def _number(column: str, given: Any) -> str:
    """A number or text as a text."""
    if isinstance(given, int | float) and not isinstance(given, bool):
        return str(given)
    return text(column, given).strip()
