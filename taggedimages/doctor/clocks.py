"""The clocks of database and store against that of this host.

Records are dated by one of them, uploads' URLs signed by another and judged by a third.
"""

import time
from collections.abc import Iterator

from django.db import connection

from images import storage
from taggedimages.doctor.findings import Finding, fail, ok, span, warn

# A token or URL that lives for minutes is refused, or outlives its end, with the second of these;
# S3 refuses every request at 900.
SLIGHT_SECONDS, WRONG_SECONDS = 5, 60
DO = "Have the clocks of all hosts set by NTP (chrony or systemd-timesyncd); `timedatectl` tells."


def database() -> Iterator[Finding]:
    """PostgreSQL's clock."""
    before = time.time()
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float")
        theirs = cursor.fetchone()[0]
    yield judged("database", ahead(before, theirs, theirs, time.time()))


def store() -> Iterator[Finding]:
    """The store's clock, by the whole seconds of its header `Date`."""
    before = time.time()
    theirs = storage.clock().timestamp()
    yield judged("store", ahead(before, theirs, theirs + 1, time.time()))


def ahead(before: float, earliest: float, latest: float, after: float) -> float:
    """By how many seconds another's clock is ahead at least, if it showed something between
    `earliest` and `latest` at an instant between `before` and `after` of ours.

    >>> ahead(100, 101, 102, 103), ahead(100, 190, 191, 110), ahead(100, 40, 41, 110)
    (0, 80, -59)
    """
    if earliest > after:
        return earliest - after
    return min(0, latest - before)


def judged(whose: str, seconds: float) -> Finding:
    """What such a difference means."""
    if abs(seconds) <= SLIGHT_SECONDS:
        return ok(f"The clock of the {whose} is that of this host, to within {SLIGHT_SECONDS} s.")
    said = (
        f"The clock of the {whose} is {span(abs(seconds))} {'ahead' if seconds > 0 else 'behind'}."
    )
    return fail(said, DO) if abs(seconds) > WRONG_SECONDS else warn(said, DO)
