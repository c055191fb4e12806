"""What time alone decides: uploads that never came, trash that was kept long enough, files of
deleted images, counts of callers.

Each step can be repeated and can run in several places at once: doing it twice changes nothing.
"""

import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from images import (
    deletion,
    holds,
    part_uploads,
    quotas,
    storage,
    uploads,
)
from images.models import Image, PartedUpload
from images.querysets import ImageQuerySet
from taggedimages.identity.forgetting import forget_callers, stale

logger = logging.getLogger(__name__)

ABANDONED = "abandoned: no file arrived in time"
OVERFULL = "overfull: more bytes arrived than were declared"
# Of so many deleted images at once it is asked whether somebody holds their files.
ASKED_AT_ONCE = 10_000


def due() -> dict[str, int]:
    """How much of each kind `purge` would do now; of uploads at most so many, for a file that
    nobody was told of may be there, and is taken then.

    Raises storage.StorageUnavailable.
    """
    return {step.__name__: count() for step, count in PURGE_STEPS.items()}


def purge() -> dict[str, int]:
    """Do all that is due; returns how much of each kind there was.

    Raises storage.StorageUnavailable; what was not done yet is still due then.
    """
    return {step.__name__: step() for step in PURGE_STEPS}


def empty_trash() -> int:
    """Delete for good what has been in the trash for TRASH_SECONDS."""
    return deletion.delete_all(_thrown_away())


def _thrown_away() -> ImageQuerySet:
    return Image.objects.filter(trashed_at__lt=_ago(settings.TRASH_SECONDS), deleted_at=None)


def end_abandoned() -> int:
    """End records whose upload URL and grace have passed without a file.

    The store is asked about each right before: a file whose arrival nobody noticed is taken.
    """
    ended = 0
    for image in _overdue().iterator(chunk_size=1000):
        if not uploads.confirm(image).uploaded_at:
            still = Image.objects.filter(pk=image.pk, uploaded_at=None, upload_error="")
            ended += deletion.delete_all(still, ABANDONED)
    return ended


def _overdue() -> ImageQuerySet:
    # An imported record may do without a file: no worker ever waits for it.
    awaited = Q(checks__gt=0) | Q(check_at__isnull=False)
    return Image.objects.filter(
        awaited,
        uploaded_at=None,
        deleted_at=None,
        upload_error="",
        created_at__lt=_ago(settings.PRESIGNED_SECONDS + settings.UPLOAD_GRACE_SECONDS),
    ).exclude(parted_upload__begun_at__gt=_ago(settings.MULTIPART_SECONDS))


def abort_stale() -> int:
    """Free the parts of uploads that began MULTIPART_SECONDS ago and were never completed, and of
    those that hold more than was declared, which are ended."""
    aborted = 0
    for upload in _overfull():
        part_uploads.abort(upload.image)
        deletion.delete_all(Image.objects.filter(pk=upload.image_id, uploaded_at=None), OVERFULL)
        aborted += 1
    for upload in _stale().iterator(chunk_size=1000):
        part_uploads.abort(upload.image)
        aborted += 1
    for key, upload_id in _unknown():
        storage.abort_parts(key, upload_id)
        aborted += 1
    return aborted


def _to_abort() -> int:
    stale = set(_stale().values_list("pk", flat=True))
    overfull = sum(1 for upload in _overfull() if upload.pk not in stale)
    return len(stale) + overfull + sum(1 for _ in _unknown())


def _overfull() -> Iterator[PartedUpload]:
    # URLs of parts are bound to the total only where lengths were told, or there is one part.
    unbound = PartedUpload.objects.filter(part_size=None, parts__gt=1).select_related("image")
    for upload in unbound.iterator(chunk_size=1000):
        # Asked twice, for an answer may have changed on its way, and this ends the upload.
        if part_uploads.is_overfull(upload) and part_uploads.is_overfull(upload):
            yield upload


def _stale() -> QuerySet[PartedUpload]:
    begun_before = _ago(settings.MULTIPART_SECONDS)
    return PartedUpload.objects.filter(begun_at__lt=begun_before).select_related("image")


def _unknown() -> Iterator[tuple[str, str]]:
    """Uploads in parts whose record was never saved, by the store's own list, which is not believed
    of others: keys, and what the store calls them."""
    begun_before = _ago(settings.MULTIPART_SECONDS)
    for key, upload_id, begun_at in storage.unfinished():
        known = PartedUpload.objects.filter(image__key=key, upload_id=upload_id)
        if begun_at < begun_before and not known.exists():
            yield key, upload_id


def resume_held() -> int:
    """Have the files removed of deleted images that were held and are no longer."""
    resumed = 0
    with suppress(holds.NotNow):
        for batch in _batches(_held()):
            resumed += deletion.resume(batch)
    return resumed


def _held() -> ImageQuerySet:
    return Image.objects.filter(held_at__isnull=False)


def remove_deleted() -> int:
    """Remove the files of deleted images whose retention has passed, unless somebody holds them."""
    removed = 0
    with suppress(holds.NotNow):
        for image in _due_to_go().iterator(chunk_size=1000):
            removed += deletion.finish(image)
    return removed


def _due_to_go() -> ImageQuerySet:
    return Image.objects.filter(deleted_at__isnull=False, check_at__lte=timezone.now())


def _free(deleted: ImageQuerySet) -> int:
    """How many of some deleted images nobody holds, as far as that can be told now."""
    free = 0
    with suppress(holds.NotNow):
        for batch in _batches(deleted):
            with transaction.atomic():
                free += len(set(batch) - holds.held(batch))
    return free


def _batches(images: ImageQuerySet) -> Iterator[list[int]]:
    """Ids, ascending, so many as holders are asked about at once."""
    ids, last = images.order_by("pk").values_list("pk", flat=True), 0
    while batch := list(ids.filter(pk__gt=last)[:ASKED_AT_ONCE]):
        yield batch
        last = batch[-1]


# Each with what counts what it would do.
PURGE_STEPS: dict[Callable[[], int], Callable[[], int]] = {
    forget_callers: stale,
    empty_trash: lambda: _thrown_away().count(),
    end_abandoned: lambda: _overdue().count(),
    abort_stale: _to_abort,
    resume_held: lambda: _free(_held()),
    remove_deleted: lambda: _free(_due_to_go()),
}


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
