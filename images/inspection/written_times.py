"""Moments in headers, in the spellings that cameras and editors write."""

import re
from datetime import UTC, datetime, timedelta, timezone

DATE = r"(?P<year>\d{4})(?P<between>[:\-/.])(?P<month>\d{1,2})(?P=between)(?P<day>\d{1,2})"
TIME = r"(?P<hour>\d{1,2})[:.](?P<minute>\d{1,2})([:.](?P<second>\d{1,2})([.,](?P<part>\d+))?)?"
COMPACT = r"(\d{4})(\d\d)(\d\d)[T ]?(\d\d)(\d\d)(\d\d)"
ZONE = re.compile(
    r"(?P<utc>Z|UTC|GMT)|(?P<sign>[+-])(?P<hours>\d{1,2})(:?(?P<minutes>\d\d))?",
    re.ASCII | re.IGNORECASE,
)
MOMENT = re.compile(
    rf"{DATE}([T ]+|(?P=between)){TIME} *(?P<half>[AP]M)? *(?P<zone>[A-Z]+|[+-][\d:]+)?",
    re.ASCII | re.IGNORECASE,
)
DIGITS = re.compile(r"\d+", re.ASCII)
LONGEST_OFFSET = timedelta(hours=14)


def moment(written: str, offset: str = "", part: str = "") -> float | None:
    """Epoch seconds of a text such as `2012:12:22 10:37:28`; None where it has no sense.

    Dashes, slashes, dots or nothing may stand for colons, `T` for the blank, and a fraction and an
    offset may follow. If none does, those of fields of their own count: `offset`, such as
    `+02:00`, and `part`, the digits of the fraction. Without any offset, and that is usual, the
    camera's clock is read as UTC.

    >>> moment("1970:01:02 00:00:00"), moment("1970-1-2T02:00:00.5+02:00")
    (86400.0, 86400.5)
    >>> moment("0000:00:00 00:00:00"), moment("2012:13:01 10:00:00")
    (None, None)
    """
    written = re.sub(rf"^{COMPACT}(?!\d)", r"\1:\2:\3 \4:\5:\6", written.strip("\0 "), flags=re.A)
    found = MOMENT.fullmatch(written)
    if found is None:
        return None
    own = found["zone"]
    # What is written and not understood is not the same as no offset.
    zone = _zone(own) if own else _zone(offset) or UTC
    since = _since_midnight(found)
    if zone is None or since is None:
        return None
    year, month, day = (int(part) for part in found.group("year", "month", "day"))
    try:
        # In UTC, for that is how it is stored, from the year 1 to 9999.
        at = (datetime(year, month, day, tzinfo=zone) + since).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    digits = found["part"] or (part.strip("\0 ") if found["second"] else "")
    # Cut off where PostgreSQL's end, so that nothing is rounded into the next second.
    return at.timestamp() + (float(f"0.{digits[:6]}") if DIGITS.fullmatch(digits) else 0)


def _since_midnight(found: re.Match[str]) -> timedelta | None:
    hour, minute, second = (int(part or 0) for part in found.group("hour", "minute", "second"))
    if half := found["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half.upper() == "PM" else 0)
    # The end of a day as ISO 8601 may write it; a leap second is the next one.
    is_time = hour < 24 or (hour, minute, second) == (24, 0, 0)
    if not is_time or minute > 59 or second > 60:
        return None
    return timedelta(hours=hour, minutes=minute, seconds=second)


def _zone(written: str) -> timezone | None:
    found = ZONE.fullmatch(written.strip("\0 "))
    if found is None:
        return None
    if found["utc"]:
        return UTC
    hours, minutes = int(found["hours"]), int(found["minutes"] or 0)
    offset = timedelta(hours=hours, minutes=minutes)
    if minutes > 59 or offset > LONGEST_OFFSET:
        return None
    return timezone(-offset if found["sign"] == "-" else offset)
