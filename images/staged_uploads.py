"""Files that are announced, sent to the store by the client, and then claimed.

Until it is claimed, an announced file is a record that lies in the trash since the instant of its
making: hidden from everybody, and given up by the worker when nobody comes for it.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from images import uploads
from images.models import Image
from images.visibility import Visibility
from taggedimages.identity.authors import Author


def announce(filename: str, size: int | None, album_id: str, by: Author) -> Image:
    """The record of a file that the client will send and then claim; its project's, as such.

    Raises quotas.QuotaExceeded.
    """
    with transaction.atomic():
        image = uploads.begin(filename, size, by, Visibility.PROJECT)
        image.album_id = album_id
        image.ended_at = image.trashed_at = image.created_at
        image.save(update_fields=["album_id", "ended_at", "trashed_at"])
    return image


def claim(image: Image) -> Image:
    """Make an image of a file that has arrived; a second claim changes nothing.

    Raises uploads.NotArrived, and storage.StorageUnavailable.
    """
    uploads.arrived(image)
    unclaimed = Image.objects.filter(pk=image.pk, trashed_at=F("created_at"), deleted_at=None)
    unclaimed.update(ended_at=None, trashed_at=None, updated_at=timezone.now())
    image.refresh_from_db()
    if image.deleted_at:
        raise uploads.NotArrived("The file was given up.")
    return image


def is_unclaimed(image: Image) -> bool:
    """Whether nobody has come for an announced file."""
    return image.trashed_at == image.created_at


def claim_ends_at(image: Image) -> datetime | None:
    """When an announced file is given up; None once it is claimed."""
    return image.upload_expires_at + uploads.UPLOAD_GRACE if is_unclaimed(image) else None


def is_abandoned(image: Image) -> bool:
    """Whether the time for claiming an announced file has passed."""
    ends_at = claim_ends_at(image)
    return ends_at is not None and timezone.now() > ends_at
