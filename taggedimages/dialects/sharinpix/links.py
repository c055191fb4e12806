"""Where the bytes of an image are read: its file, and its previews."""

from collections.abc import Mapping
from typing import NamedTuple

from images import previews, serving
from images.models import Image

# By the contract's names, which preview shows each; null stands for the file itself.
THUMBNAILS: Mapping[str, str | None] = {
    "original": None,
    "full_no_sharinpix": "full",
    "full": "full",
    "large": "large",
    "mini": "mini",
}
EXTERNAL: Mapping[str, str | None] = {
    "fill100": "mini",
    "fit2000": "full",
    "mini": "mini",
    "large": "large",
    "full": "full",
}


class Links(NamedTuple):
    """All of an image, signed once."""

    # Null until the file is there.
    original: str | None
    # By the contract's names, as in `thumbnails` and in `external_urls`.
    thumbnails: dict[str, str | None]
    external: dict[str, str | None]


def of(image: Image) -> Links:
    """Where the bytes of an image are read. Wants `facts` fetched."""
    # Where there are no previews (yet), the file stands in for them.
    made = previews.urls(image) or {}
    file = serving.url(image) if image.uploaded_at else None
    thumbnails, external = (
        {name: made.get(preview or "", file) for name, preview in names.items()}
        for names in (THUMBNAILS, EXTERNAL)
    )
    return Links(file, thumbnails, external)
