"""What people say of an image: its words, how it is shown, who may see it, when it ends."""

from datetime import datetime
from typing import TypedDict

from django.db.models.functions import Now
from django.utils import timezone

from images.models import Image

# What may be said of an image. Older records may say more.
MAX_DESCRIPTION_CHARACTERS = 10_000


class Changes(TypedDict, total=False):
    """The fields that may be edited; those that are absent stay. The file is never touched."""

    name: str
    title: str | None
    description: str
    # A number of Visibility.
    visibility: int
    rotation: int
    crop_x: float
    crop_y: float
    crop_w: float
    crop_h: float
    # None: it does not end, and comes back if it has.
    ended_at: datetime | None


def edit(image: Image, changes: Changes) -> bool:
    """Make these changes; False when the image was deleted for good, and none was made.

    An image that becomes current again leaves the trash, too.
    """
    values: dict[str, object] = {**changes}
    if "ended_at" in changes:
        ended_at = changes["ended_at"]
        if ended_at is None or ended_at > timezone.now():
            values["trashed_at"] = None
    kept = Image.objects.filter(pk=image.pk, deleted_at=None)
    return bool(kept.update(**values, updated_at=Now()))
