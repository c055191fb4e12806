"""What is said of an image and how it is shown: title, description, rotation, crop."""

from typing import Any

from images.models import Image

EDITABLE = ("title", "description", "rotation", "crop_x", "crop_y", "crop_w", "crop_h")


def edit(image: Image, changes: dict[str, Any]) -> None:
    """Set some of the EDITABLE fields; the file itself is never touched."""
    for name in EDITABLE:
        if name in changes:
            setattr(image, name, changes[name])
    image.save(update_fields=[*changes, "updated_at"])
