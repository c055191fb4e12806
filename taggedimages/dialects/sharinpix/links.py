"""Where the bytes of an image are read: its file, and its previews."""

from images import previews, serving
from images.models import Image

# By the contract's names, which preview shows each; null stands for the file itself.
THUMBNAILS = {
    "original": None,
    "full_no_sharinpix": "full",
    "full": "full",
    "large": "large",
    "mini": "mini",
}
EXTERNAL = {"fill100": "mini", "fit2000": "full", "mini": "mini", "large": "large", "full": "full"}


def original(image: Image) -> str | None:
    """The URL of the file; null until it is there."""
    return serving.url(image) if image.uploaded_at else None


def thumbnails(image: Image) -> dict[str, str | None]:
    """The contract's `thumbnails`."""
    return _urls(image, THUMBNAILS)


def external(image: Image) -> dict[str, str | None]:
    """The contract's `external_urls`."""
    return _urls(image, EXTERNAL)


def _urls(image: Image, names: dict[str, str] | dict[str, str | None]) -> dict[str, str | None]:
    # Where there are no previews (yet), the file stands in for them.
    made = previews.urls(image) or {}
    file = original(image)
    return {name: made.get(preview or "", file) for name, preview in names.items()}
