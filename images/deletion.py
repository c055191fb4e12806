"""Ending images: for good, their files removed by the worker, or into the trash and back."""

from django.db.models.functions import Now

from images import keys, previews, storage
from images.models import Image


def delete(image: Image) -> bool:
    """End an image for good, for everybody and at once; False when that was done already.

    The worker removes its file as soon as the store lets it.
    """
    ended = Image.objects.filter(pk=image.pk, deleted_at=None)
    return bool(ended.update(ended_at=Now(), deleted_at=Now(), check_at=Now(), checks=0))


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
    storage.delete(image.key)
    previews.discard(image)
    if image.is_archived:
        storage.delete(keys.upload_key(image.key))
