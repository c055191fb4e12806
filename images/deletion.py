"""Ending images for good: hidden at once, their files removed by the worker."""

from django.db.models.functions import Now

from images import keys, previews, storage
from images.models import Image


def delete(image: Image) -> bool:
    """End an image for good, for everybody and at once; False when that was done already.

    The worker removes its file as soon as the store lets it.
    """
    ended = Image.objects.filter(pk=image.pk, deleted_at=None)
    return bool(ended.update(ended_at=Now(), deleted_at=Now(), check_at=Now(), checks=0))


def purge(image: Image) -> None:
    """Remove the stored file of a deleted image, wherever it is, and its previews.

    Raises storage.StorageUnavailable.
    """
    storage.delete(image.key)
    previews.discard(image)
    if image.is_archived:
        storage.delete(keys.upload_key(image.key))
