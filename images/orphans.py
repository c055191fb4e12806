"""Objects that no record knows, such as of one-shot uploads that were interrupted.

The worker removes them once they are older than ORPHAN_SECONDS. Keys begin with the minute in which
they were made, so each minute is listed when it has become so old, and once more when nothing comes
by its upload URLs any more; hours at once where much is left to be done. How far that is done is
kept in the database: what became old while no worker ran is done later. Older ones, and keys of
other kinds, are for `reconcile`; so are those that were there when the database was put back to an
earlier state: a later one may have known them.
"""

import logging
import time
from datetime import UTC, datetime, timedelta
from itertools import islice

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from images import keys, storage
from images.models import Image, OrphanSweep
from taggedimages.postgresql.history import put_back_at, renew

logger = logging.getLogger(__name__)

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
# Where a sweep begins that never ran: so long before the first minute that is due.
FIRST_LOOK_BACK = timedelta(days=1)
# A request is over by then, whatever ORPHAN_SECONDS says.
REQUEST_SECONDS = 30
# For how long one round of the worker begins to list others, and keys that are looked up at once.
ROUND_SECONDS, KEYS_PER_LOOKUP = 0.5, 1_000
# So many orphans without a single record between them are no interrupted uploads: the database was
# put back, and somebody may want what it has forgotten.
DOUBTFUL = 20


class Sweep:
    """Removes orphans as often as is due, for a worker that calls it in each round."""

    def __init__(self) -> None:
        self.due_at = time.monotonic()
        self.in_a_row = 0
        # How far each pass was when this worker looked last, by its name.
        self.seen_until: dict[str, datetime] = {}

    def __call__(self) -> int:
        """List some of what is due; returns how many objects were removed."""
        if time.monotonic() < self.due_at:
            return 0
        self.due_at = time.monotonic() + 1
        removed = 0
        try:
            for name, seconds in passes().items():
                removed += self._go_on(name, timezone.now() - timedelta(seconds=seconds))
        except storage.StorageUnavailable as error:
            logger.warning("%s Orphans are looked for later.", error)
        return removed

    def _go_on(self, name: str, until: datetime) -> int:
        """One pass on to the minutes that had ended by then."""
        until = until.astimezone(UTC).replace(second=0, microsecond=0)
        kept, _ = OrphanSweep.objects.get_or_create(
            name=name, defaults={"swept_until": until - FIRST_LOOK_BACK}
        )
        minute, removed = kept.swept_until.astimezone(UTC), 0
        if minute < self.seen_until.get(name, minute):
            logger.error("The database was put back: files that it may not know are left alone.")
            renew()
        self.seen_until[name] = minute
        known_until = put_back_at() if minute < until else None
        ends_at = time.monotonic() + ROUND_SECONDS
        while minute < until:
            prefix, after = _next_span(minute, until)
            for listed in (prefix, keys.archived(prefix)):
                removed += self._sweep(listed, known_until)
            # Another worker may have done the same, and be further.
            OrphanSweep.objects.filter(name=name, swept_until=minute).update(swept_until=after)
            minute = after
            if time.monotonic() > ends_at:
                break
        return removed

    def _sweep(self, prefix: str, known_until: datetime | None) -> int:
        """Remove orphans under a prefix that are younger than `known_until`; returns how many."""
        removed = 0
        listed = (
            key
            for key, found in storage.objects(prefix)
            if known_until is None or found.modified_at > known_until
        )
        while batch := list(islice(listed, KEYS_PER_LOOKUP)):
            known = set(Image.objects.filter(key__in=batch).values_list("key", flat=True))
            if known:
                self.in_a_row = 0
            for key in batch:
                if key in known or not is_orphan(key):
                    continue
                self.in_a_row += 1
                if self.in_a_row > DOUBTFUL:
                    logger.error("%s has no record, like all before it: see `reconcile`.", key)
                    continue
                logger.info("%s has no record, and is removed.", key)
                storage.delete(key)
                removed += 1
        return removed


def _next_span(minute: datetime, until: datetime) -> tuple[str, datetime]:
    """What the keys of the minutes from one on begin with, and the first minute of others: an hour
    at once where all of it is due, since most have nothing."""
    if minute.minute == 0 and minute + HOUR <= until:
        return keys.of_hour(minute), minute + HOUR
    return keys.of_minute(minute), minute + MINUTE


def passes() -> dict[str, float]:
    """How old a minute is, in seconds, when it is listed, by the name of the pass."""
    first = max(settings.ORPHAN_SECONDS, REQUEST_SECONDS)
    return {
        "first": first,
        "after its URLs": first + settings.PRESIGNED_SECONDS + settings.UPLOAD_GRACE_SECONDS,
    }


def is_orphan(key: str, size: int | None = None) -> bool:
    """Whether there is an object, of this size if that is told, which no record knows, and which is
    older than ORPHAN_SECONDS. Raises storage.StorageUnavailable."""
    seen = storage.head(key)
    if seen is None or size not in (None, seen.size):
        return False
    if seen.modified_at > timezone.now() - timedelta(seconds=settings.ORPHAN_SECONDS):
        return False
    return not _is_known(key)


def _is_known(key: str) -> bool:
    if image_uuid := keys.previewed(key):
        images = Image.objects.filter(uuid=image_uuid)
        awaited = Q(check_at__isnull=False) | Q(held_at__isnull=False)
        return images.filter(awaited | Q(deleted_at=None)).exists()
    if Image.objects.filter(key=key).exists():
        return True
    # A copy whose record is about to say so: its file is being taken.
    pending = Image.objects.filter(key=keys.upload_key(key), deleted_at=None)
    return keys.is_archived(key) and pending.exists()
