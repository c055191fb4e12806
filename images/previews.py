"""Small renderings of images in the bucket, and the URLs that show them."""

from images import storage
from images.inspection.sizes import MEDIA_TYPE, SIZES
from images.models import Image


def urls(image: Image) -> dict[str, str] | None:
    """URLs of the previews `mini`, `large` and `full`; None where there are none (yet).

    Reads `image.facts`: fetch them with the images of a list.
    """
    facts = image.known_facts
    if facts is None or not facts.has_previews or image.deleted_at:
        return None
    return {name: storage.presign_get(_key(image, name), MEDIA_TYPE, "inline") for name in SIZES}


def store(image: Image, files: dict[str, bytes]) -> None:
    """Put the rendered previews into the bucket. Raises storage.StorageUnavailable."""
    for name, file in files.items():
        storage.put(_key(image, name), file, MEDIA_TYPE)


def discard(image: Image) -> None:
    """Remove the previews, if there are any. Raises storage.StorageUnavailable."""
    for name in SIZES:
        storage.delete(_key(image, name))


def _key(image: Image, name: str) -> str:
    return f"previews/{image.uuid}/{name}.webp"
