"""What the worker does: claim the records that are due, one at a time, and look after each.

A claim is nothing but the next time to look, moved ahead in the statement that claims the row. A
worker that dies leaves no more than a row that is looked at again.
"""

import logging
from collections.abc import Callable
from datetime import datetime

from django.db import connection
from django.utils import timezone

from images import (
    deletion,
    inspection_jobs,
    staged_uploads,
    storage,
    uploads,
)
from images.models import Image
from images.querysets import ImageQuerySet

logger = logging.getLogger(__name__)

# SKIP LOCKED lets several workers share the rows. Files that were announced or listed are looked
# for after doubling waits of 1 s to about 34 min; what is at hand is held for CLAIM_PERIOD of
# inspection_jobs at least.
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
RETURNING id
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
            look_after(image, stopping)
        except storage.StorageUnavailable as error:
            logger.warning("Image %s: %s It is tried again.", image.pk, error)
            if not _store_answers():
                return done
    return limit


def look_after(image: Image, stopping: Callable[[], bool] = lambda: False) -> None:
    """Do what one record needs now. Raises storage.StorageUnavailable."""
    if image.deleted_at:
        deletion.finish(image)
    elif staged_uploads.is_abandoned(image):
        deletion.delete(image)
    elif image.uploaded_at is None:
        arrived = uploads.confirm(image).uploaded_at
        if not arrived and timezone.now() > image.upload_expires_at + uploads.UPLOAD_GRACE:
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


def reprocess(images: ImageQuerySet) -> int:
    """Have the files of these images inspected and their previews made anew; returns how many.

    Until that is done, they keep the facts and previews that they have.
    """
    uploaded = images.uploaded().filter(deleted_at=None)
    return uploaded.update(processed_at=None, attempts=0, checks=0, check_at=timezone.now())


def _store_answers() -> bool:
    """Whether the trouble is with one object alone, so that others can be looked after."""
    try:
        storage.check_bucket()
    except storage.StorageUnavailable:
        return False
    return True


def _claim() -> Image | None:
    with connection.cursor() as cursor:
        cursor.execute(CLAIM_NEXT, [str(inspection_jobs.CLAIM_PERIOD)])
        claimed = cursor.fetchone()
    return Image.objects.filter(pk=claimed[0]).first() if claimed else None


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
