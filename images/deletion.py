"""Ending images: for good, their files removed by the worker, or into the trash and back."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from images import (
    holds,
    keys,
    part_uploads,
    previews,
    storage,
    uploads,
)
from images.models import Image
from images.querysets import ImageQuerySet
from taggedimages.monitoring import request_ids

# By then an inspection that had begun is over, with its claim.
LAST_PREVIEWS = timedelta(minutes=5)


def delete(image: Image) -> bool:
    """End an image for good, for everybody and at once; False when that was done already.

    The worker removes its file after RETENTION_SECONDS, as soon as nobody holds it (images.holds)
    and the store lets it.
    """
    return bool(delete_all(Image.objects.filter(pk=image.pk)))


def delete_all(images: ImageQuerySet, reason: str = "") -> int:
    """End images for good, in one statement; returns how many were not already."""
    fields: dict[str, Any] = {"upload_error": reason} if reason else {}
    due_at = Now() + timedelta(seconds=settings.RETENTION_SECONDS)
    return images.filter(deleted_at=None).update(
        ended_at=Now(),
        deleted_at=Now(),
        check_at=due_at,
        checks=0,
        request_id=request_ids.current(),
        **fields,
    )


def trash(*images: Image) -> int:
    """Hide images from everybody and at once, restorably; returns how many were not ended."""
    current = Image.objects.current().filter(pk__in=[image.pk for image in images])
    return current.update(ended_at=Now(), trashed_at=Now(), updated_at=Now())


def restore(image: Image) -> bool:
    """Bring an ended image back, with its links; False when it was deleted for good."""
    ended = Image.objects.filter(pk=image.pk, deleted_at=None)
    return bool(ended.update(ended_at=None, trashed_at=None, updated_at=Now()))


def purge(image: Image) -> None:
    """Remove the stored file of a deleted image, wherever it is, and its previews.

    Raises storage.StorageUnavailable.
    """
    part_uploads.abort(image)
    for key in stored_keys(image):
        storage.delete(key)


def stored_keys(image: Image) -> list[str]:
    """Where an image may have objects in the bucket: its file, sent and kept, and its previews."""
    sent = keys.upload_key(image.key)
    return [image.key, *previews.keys(image.uuid), *([sent] if image.is_archived else [])]


def finish(image: Image) -> bool:
    """Purge a deleted image, and again when its upload URL has expired: a file can come back.

    Once is enough for the store, and twice does no harm. False where somebody holds its file: it
    stays until `resume`. Raises holds.NotNow and storage.StorageUnavailable.
    """
    if _wait_for_holders(image):
        return False
    purge(image)
    again = image.upload_expires_at + uploads.LAST_CHECK
    if image.uploaded_at and image.processed_at is None and image.deleted_at:
        # Whoever inspects it just now may yet leave previews.
        retention = timedelta(seconds=settings.RETENTION_SECONDS)
        again = max(again, image.deleted_at + retention + LAST_PREVIEWS)
    due = again if again > timezone.now() else None
    Image.objects.filter(pk=image.pk).update(check_at=due)
    return True


@transaction.atomic
def resume(image_ids: Collection[int]) -> int:
    """Have the files removed of those of these deleted images that nobody holds any more; returns
    how many. Raises holds.NotNow.
    """
    free = set(image_ids) - holds.held(image_ids)
    waiting = Image.objects.filter(pk__in=free, held_at__isnull=False)
    return waiting.update(held_at=None, check_at=Now(), checks=0)


@transaction.atomic
def _wait_for_holders(image: Image) -> bool:
    """Whether somebody holds the file of a deleted image, which then waits for them."""
    is_held = bool(holds.held([image.pk]))
    if is_held:
        Image.objects.filter(pk=image.pk).update(held_at=Now(), check_at=None)
    return is_held
