"""Times in filters of lists: `gt:2026-01-02T03:04:05Z`, to the second, as they are shown."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.db.models import Q
from rest_framework.exceptions import ValidationError

SECOND = timedelta(seconds=1)
OPERATORS = {"eq", "neq", "gt", "gte", "lt", "lte"}


def time_condition(column: str) -> Callable[[str], Q]:
    """The images whose time in a column compares so to one that is given.

    Without an operator it has to be equal; without a zone it is UTC. Raises ValidationError.
    """
    return lambda value: _compared(column, value)


def _compared(column: str, value: str) -> Q:
    operator, colon, rest = value.partition(":")
    if colon and operator in OPERATORS:
        at = _time(rest)
    elif colon and operator.isalpha():
        raise ValidationError([f"There is no operator {operator[:20]}."])
    else:
        operator, at = "eq", _time(value)
    # Fractions of seconds are stored and not shown.
    begin = at.replace(microsecond=0)
    is_whole = begin == at
    try:
        end = begin + SECOND
    except OverflowError as error:
        raise ValidationError(["The time is out of range."]) from error
    first = begin if is_whole else end
    match operator:
        case "gt":
            return Q(**{f"{column}__gte": end})
        case "gte":
            return Q(**{f"{column}__gte": first})
        case "lt":
            return Q(**{f"{column}__lt": first})
        case "lte":
            return Q(**{f"{column}__lt": end})
    equal = Q(**{f"{column}__gte": begin, f"{column}__lt": end}) if is_whole else Q(pk__in=[])
    return equal if operator == "eq" else ~equal


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text.strip())
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValidationError(["Not a time such as 2026-01-02T03:04:05Z."]) from error
