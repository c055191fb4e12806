"""Files that arrived and nobody said so: found by listing where uploads are sent to.

Keys begin with the minute in which their record was made, so one request to the store tells of all
that arrived of a minute's records, where a look at each of them would take one for each, most of
them in vain. What is found here is due at once, and `images.processing` looks after it.
"""

import logging
import time
from datetime import UTC, datetime, timedelta
from itertools import islice

from django.conf import settings
from django.db import connection
from django.utils import timezone

from images import keys, storage, uploads
from taggedimages.postgresql.bulk import array

logger = logging.getLogger(__name__)

MINUTE = timedelta(minutes=1)
# A minute is listed again after so many seconds, or this share of its age: most files come soon.
RELIST_SECONDS_MIN, RELIST_SHARE_OF_AGE = 2.0, 1 / 16
# Minutes that are listed in one round of the worker, and keys that are looked up at once.
MINUTES_PER_ROUND, KEYS_PER_LOOKUP = 60, 1_000

AWAITING = """
SELECT minute FROM unnest(%s::timestamptz[]) WITH ORDINALITY AS due (minute, number)
WHERE EXISTS (
    SELECT FROM images_image
    WHERE uploaded_at IS NULL AND deleted_at IS NULL AND upload_error = ''
    AND created_at >= minute AND created_at < minute + interval '1 minute' OFFSET 0
)
ORDER BY number
"""

# Those whose turn it is in any case, for their file was found before, are left alone.
MAKE_DUE = """
UPDATE images_image SET check_at = statement_timestamp(), checks = 0
WHERE key = ANY(%s::text[]) AND uploaded_at IS NULL AND deleted_at IS NULL AND checks >= %s
"""


class Arrivals:
    """Looks for files that arrived, as often as is due, for a worker that calls it in each round.

    What was listed when is kept here: several workers list more often, and agree all the same.
    """

    def __init__(self) -> None:
        self.listed_at: dict[datetime, float] = {}

    def __call__(self) -> int:
        """Have all records looked after whose files lie in the store; returns how many."""
        found = 0
        try:
            for minute in self.awaiting():
                found += find(minute)
                self.listed_at[minute] = time.monotonic()
        except storage.StorageUnavailable as error:
            logger.warning("%s Files are looked for later.", error)
        return found

    def awaiting(self) -> list[datetime]:
        """The minutes to list now, newest first: those with a record that awaits its file."""
        due = self.due(timezone.now())
        if not due:
            return []
        with connection.cursor() as cursor:
            cursor.execute(AWAITING, [due])
            awaiting = [minute for (minute,) in cursor.fetchall()]
        for minute in set(due).difference(awaiting):
            self.listed_at[minute] = time.monotonic()
        return awaiting[:MINUTES_PER_ROUND]

    def due(self, now: datetime) -> list[datetime]:
        """Minutes whose upload URLs may still bring files, and that were not listed lately."""
        seconds = settings.PRESIGNED_SECONDS + settings.UPLOAD_GRACE_SECONDS
        # Other hosts' clocks may be ahead.
        first = now.astimezone(UTC).replace(second=0, microsecond=0) + MINUTE
        minutes = [first - MINUTE * number for number in range(seconds // 60 + 3)]
        self.listed_at = {at: self.listed_at[at] for at in minutes if at in self.listed_at}
        moment = time.monotonic()
        return [
            minute
            for minute in minutes
            if moment - self.listed_at.get(minute, -float("inf"))
            >= max(RELIST_SECONDS_MIN, (now - minute).total_seconds() * RELIST_SHARE_OF_AGE)
        ]


def find(minute: datetime) -> int:
    """Make the records of this minute due whose files lie in the store; returns how many.

    Raises storage.StorageUnavailable.
    """
    found = 0
    listed = (key for key, _ in storage.objects(keys.of_minute(minute)))
    while batch := list(islice(listed, KEYS_PER_LOOKUP)):
        with connection.cursor() as cursor:
            cursor.execute(MAKE_DUE, [array(batch), uploads.UNSEEN])
            found += cursor.rowcount
    return found
