"""What the worker does: claim the records that are due, one at a time, and look after each.

A claim is nothing but the next time to look, moved ahead in the statement that claims the row. A
worker that dies leaves no more than a row that is looked at again.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from django.utils import timezone

from images import (
    deletion,
    holds,
    inspection_jobs,
    staged_uploads,
    storage,
    uploads,
)
from images.models import Image
from images.querysets import ImageQuerySet
from taggedimages.monitoring import jobs, request_ids

logger = logging.getLogger(__name__)

# SKIP LOCKED lets several workers share the rows. Files that were announced or listed are looked
# for after doubling waits of 1 s to about 34 min; what is at hand is held for
# CLAIM_PERIOD at least.
CLAIM_NEXT = """
UPDATE images_image
SET checks = LEAST(checks + 1, 1000),
    check_at = statement_timestamp() + CASE
        WHEN uploaded_at IS NULL THEN interval '1 second' * 2 ^ LEAST(checks, 11)
        ELSE GREATEST(%s::interval, interval '1 second' * 2 ^ LEAST(checks, 6))
    END
WHERE id = (
    SELECT id FROM images_image WHERE check_at <= statement_timestamp()
    ORDER BY check_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
)
RETURNING *
"""


def sweep(limit: int = 100, stopping: Callable[[], bool] = lambda: False) -> int:
    """Look after up to `limit` records that are due; returns how many were.

    While the store is away the round ends at the first of them: each claim puts a record off.
    """
    for done in range(limit):
        image = None if stopping() else _claim()
        if image is None:
            return done
        try:
            with jobs.job(_needed(image), image.request_id, image=image.pk):
                look_after(image, stopping)
        except storage.StorageUnavailable as error:
            logger.warning("Image %s: %s It is tried again.", image.pk, error)
            if not _store_answers():
                return done
    return limit


def look_after(image: Image, stopping: Callable[[], bool] = lambda: False) -> None:
    """Do what one record needs now. Raises storage.StorageUnavailable."""
    if image.deleted_at:
        # Held just now, perhaps: this image comes again in any case.
        with suppress(holds.NotNow):
            deletion.finish(image)
    elif staged_uploads.is_abandoned(image):
        deletion.delete(image)
    elif image.uploaded_at is None:
        inspection_jobs.inspect_arrived(image, stopping)
        if (
            not image.uploaded_at
            and timezone.now() > image.upload_expires_at + uploads.UPLOAD_GRACE
        ):
            _look_again(image, None)
    elif image.processed_at is None:
        inspection_jobs.inspect(image, stopping)
    elif inspection_jobs.is_damaged(image):
        inspection_jobs.inspect_damaged(image, stopping)
    elif _was_written_again(image):
        reprocess(Image.objects.filter(pk=image.pk))
    else:
        uploads.discard_late(image)
        claim_ends_at = staged_uploads.claim_ends_at(image)
        _look_again(image, claim_ends_at or image.upload_expires_at + uploads.LAST_CHECK)


def _needed(image: Image) -> str:
    """What the job is called, as it is counted and told."""
    if image.deleted_at:
        return "remove"
    if image.uploaded_at is None:
        return "confirm"
    return "inspect" if image.processed_at is None else "recheck"


def reprocess(images: ImageQuerySet) -> int:
    """Have the files of these images inspected and their previews made anew; returns how many.

    Until that is done, they keep the facts and previews that they have.
    """
    uploaded = images.uploaded().filter(deleted_at=None)
    return uploaded.update(
        processed_at=None,
        attempts=0,
        checks=0,
        check_at=timezone.now(),
        request_id=request_ids.current(),
    )


def _store_answers() -> bool:
    """Whether the trouble is with one object alone, so that others can be looked after."""
    try:
        storage.check_bucket()
    except storage.StorageUnavailable:
        return False
    return True


def _claim() -> Image | None:
    claimed = Image.objects.raw(CLAIM_NEXT, [str(uploads.CLAIM_PERIOD)])
    return next(iter(claimed), None)


def _was_written_again(image: Image) -> bool:
    """Whether a file that its upload URL still reaches is another than the one inspected."""
    facts = image.known_facts
    if image.is_archived or facts is None or facts.md5_hex is None:
        return False
    seen = storage.head(image.key)
    if seen is None or seen.md5:
        return seen is not None and seen.md5 != facts.md5_hex
    # Such as of an object in parts, whose entity tag is no MD5 of the whole.
    return seen.size != image.size or (image.processed_at or image.created_at) < seen.modified_at


def _look_again(image: Image, at: datetime | None) -> None:
    due = at if at and at > timezone.now() else None
    Image.objects.filter(pk=image.pk).update(check_at=due)
