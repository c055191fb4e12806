"""Where the bytes of an image are read: its file, and what is shown in its place when small."""

from images import storage
from images.models import Image

THUMBNAILS = ("original", "full_no_sharinpix", "full", "large", "mini")
EXTERNAL = {"fill100": "mini", "fit2000": "full", "mini": "mini", "large": "large", "full": "full"}


def of(image: Image) -> dict[str, str | None]:
    """A URL for each of THUMBNAILS; null until the file is there.

    The one place where URLs are made; signing costs, so that an image is signed for once.
    """
    known: dict[str, str | None] | None = image.__dict__.get("_urls")
    if known is None:
        url = storage.presign_get(image.key) if image.uploaded_at else None
        known = image.__dict__["_urls"] = dict.fromkeys(THUMBNAILS, url)
    return known


def thumbnails(image: Image) -> dict[str, str | None]:
    """The contract's `thumbnails`."""
    return dict(of(image))


def external(image: Image) -> dict[str, str | None]:
    """The contract's `external_urls`."""
    return {name: of(image)[source] for name, source in EXTERNAL.items()}
