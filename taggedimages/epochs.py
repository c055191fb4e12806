"""Times as epoch seconds, in which /v1 tells them and is asked for them."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def epoch_seconds(at: datetime) -> int:
    """The second that a time is in: rounded down, before 1970 too, as searches take it.

    >>> epoch_seconds(EPOCH - timedelta(seconds=1.5))
    -2
    """
    return (at - EPOCH) // SECOND


def epoch_seconds_sql(expression: str) -> str:
    """The same of a column; not by `date_part`, whose floating point rounds up far from 1970."""
    return f"floor(extract(epoch FROM {expression}))::bigint"
