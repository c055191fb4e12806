"""Ending images for good: hidden at once, their files removed by the worker."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models.functions import Now
from django.utils import timezone

from images import keys, multipart, storage, uploads
from images.models import Image, ImageQuerySet


def delete(image: Image) -> bool:
    """End an image for good, for everybody and at once; False when that was done already.

    The worker removes its file after RETENTION_SECONDS, as soon as the store lets it.
    """
    return bool(delete_all(Image.objects.filter(pk=image.pk)))


def delete_all(images: ImageQuerySet, reason: str = "") -> int:
    """End images for good, in one statement; returns how many were not already."""
    fields: dict[str, Any] = {"upload_error": reason} if reason else {}
    due_at = Now() + timedelta(seconds=settings.RETENTION_SECONDS)
    return images.filter(deleted_at=None).update(
        ended_at=Now(), deleted_at=Now(), check_at=due_at, checks=0, **fields
    )


def purge(image: Image) -> None:
    """Remove the stored file of a deleted image, wherever it is.

    Raises storage.StorageUnavailable.
    """
    multipart.abort(image)
    storage.delete(image.key)
    if image.is_archived:
        storage.delete(keys.upload_key(image.key))


def finish(image: Image) -> None:
    """Purge a deleted image, and again when its upload URL has expired: a file can come back.

    Once is enough for the store, and twice does no harm. Raises storage.StorageUnavailable.
    """
    purge(image)
    again = image.upload_expires_at + uploads.FIRST_CHECK
    due = again if again > timezone.now() else None
    Image.objects.filter(pk=image.pk).update(check_at=due)
