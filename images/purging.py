"""What time alone decides: uploads that never came, trash that was kept long enough, files of
deleted images, counts of callers.

Each step can be repeated and can run in several places at once: doing it twice changes nothing.
"""

import logging
import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from images import (
    deletion,
    part_uploads,
    quotas,
    storage,
    uploads,
)
from images.models import Image, PartedUpload
from taggedimages.identity.forgetting import forget_callers

logger = logging.getLogger(__name__)

ABANDONED = "abandoned: no file arrived in time"
OVERFULL = "overfull: more bytes arrived than were declared"


def purge() -> dict[str, int]:
    """Do all that is due; returns how much of each kind there was.

    Raises storage.StorageUnavailable; what was not done yet is still due then.
    """
    return {step.__name__: step() for step in PURGE_STEPS}


def empty_trash() -> int:
    """Delete for good what has been in the trash for TRASH_SECONDS."""
    return deletion.delete_all(Image.objects.filter(trashed_at__lt=_ago(settings.TRASH_SECONDS)))


def end_abandoned() -> int:
    """End records whose upload URL and grace have passed without a file.

    The store is asked about each right before: a file whose arrival nobody noticed is taken.
    """
    # An imported record may do without a file: no worker ever waits for it.
    awaited = Q(checks__gt=0) | Q(check_at__isnull=False)
    overdue = Image.objects.filter(
        awaited,
        uploaded_at=None,
        deleted_at=None,
        upload_error="",
        created_at__lt=_ago(settings.PRESIGNED_SECONDS + settings.UPLOAD_GRACE_SECONDS),
    ).exclude(parted_upload__begun_at__gt=_ago(settings.MULTIPART_SECONDS))
    ended = 0
    for image in overdue.iterator(chunk_size=1000):
        if not uploads.confirm(image).uploaded_at:
            still = Image.objects.filter(pk=image.pk, uploaded_at=None, upload_error="")
            ended += deletion.delete_all(still, ABANDONED)
    return ended


def abort_stale() -> int:
    """Free the parts of uploads that began MULTIPART_SECONDS ago and were never completed, and of
    those that hold more than was declared, which are ended."""
    aborted = _end_overfull()
    begun_before = _ago(settings.MULTIPART_SECONDS)
    stale = PartedUpload.objects.filter(begun_at__lt=begun_before).select_related("image")
    for upload in stale.iterator(chunk_size=1000):
        part_uploads.abort(upload.image)
        aborted += 1
    # The store's own list has those too whose record was never saved; of others it is not believed.
    for key, upload_id, begun_at in storage.unfinished():
        known = PartedUpload.objects.filter(image__key=key, upload_id=upload_id)
        if begun_at < begun_before and not known.exists():
            storage.abort_parts(key, upload_id)
            aborted += 1
    return aborted


def _end_overfull() -> int:
    # URLs of parts are bound to the total only where lengths were told, or there is one part.
    unbound = PartedUpload.objects.filter(part_size=None, parts__gt=1).select_related("image")
    ended = 0
    for upload in unbound.iterator(chunk_size=1000):
        # Asked twice, for an answer may have changed on its way, and this ends the upload.
        if part_uploads.is_overfull(upload) and part_uploads.is_overfull(upload):
            part_uploads.abort(upload.image)
            deletion.delete_all(
                Image.objects.filter(pk=upload.image_id, uploaded_at=None), OVERFULL
            )
            ended += 1
    return ended


def remove_deleted() -> int:
    """Remove the files of deleted images whose retention has passed."""
    due = Image.objects.filter(deleted_at__isnull=False, check_at__lte=timezone.now())
    removed = 0
    for image in due.iterator(chunk_size=1000):
        deletion.finish(image)
        removed += 1
    return removed


PURGE_STEPS: tuple[Callable[[], int], ...] = (
    forget_callers,
    empty_trash,
    end_abandoned,
    abort_stale,
    remove_deleted,
)


class PeriodicPurge:
    """Purges every PURGE_SECONDS or so, for a worker that calls it in each of its rounds."""

    def __init__(self) -> None:
        self.due_at = time.monotonic()

    def __call__(self) -> None:
        if time.monotonic() < self.due_at:
            return
        # Several workers that started together drift apart.
        self.due_at = time.monotonic() + settings.PURGE_SECONDS * random.uniform(0.5, 1.5)  # noqa: S311
        quotas.forget()
        try:
            purge()
        except storage.StorageUnavailable as error:
            logger.warning("%s Purging goes on later.", error)


def _ago(seconds: float) -> datetime:
    return timezone.now() - timedelta(seconds=seconds)
