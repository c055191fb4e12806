"""What the worker does: lease the records that are due, and look at the store for each.

A lease is nothing but the next time to look, moved ahead in the statement that claims the row. A
worker that dies leaves no more than a row that is looked at again.
"""

import logging
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from images import deletion, storage, uploads
from images.models import Image

logger = logging.getLogger(__name__)

# A PUT that began before its URL expired may go on for long after.
UPLOAD_GRACE = timedelta(hours=1)

# Doubling waits of 1 s to about 4 min; SKIP LOCKED lets several workers share the rows.
CLAIM = """
UPDATE images_image
SET check_at = now() + interval '1 second' * 2 ^ LEAST(checks, 8), checks = checks + 1
WHERE id IN (
    SELECT id FROM images_image WHERE check_at <= now()
    ORDER BY check_at LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
)
RETURNING id
"""


def sweep(limit: int = 100) -> int:
    """Look after up to `limit` records that are due; returns how many were."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [limit])
        claimed = [row[0] for row in cursor.fetchall()]
    for image in Image.objects.filter(pk__in=claimed):
        try:
            look_after(image)
        except storage.StorageUnavailable as error:
            logger.warning("Image %s: %s It is tried again.", image.pk, error)
    return len(claimed)


def look_after(image: Image) -> None:
    """Do what one record needs now. Raises storage.StorageUnavailable."""
    if image.deleted_at:
        deletion.finish(image)
    elif image.uploaded_at:
        uploads.discard_late(image)
        _look_again(image, image.upload_expires_at + uploads.FIRST_CHECK)
    else:
        arrived = uploads.confirm(image).uploaded_at
        if not arrived and timezone.now() > image.upload_expires_at + UPLOAD_GRACE:
            _look_again(image, None)


def _look_again(image: Image, at: datetime | None) -> None:
    due = at if at and at > timezone.now() else None
    Image.objects.filter(pk=image.pk).update(check_at=due)
