"""Small renderings of images in the bucket, and the URLs that show them."""

from uuid import UUID

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
    keys = [_key(image.uuid, name) for name in SIZES]
    signed = storage.presign_gets(keys, MEDIA_TYPE, "inline")
    return dict(zip(SIZES, signed, strict=True))


def url(uuid: UUID, name: str) -> str:
    """The URL of a preview of the image with this uuid, if there are any: pages sign hundreds."""
    return storage.presign_get(_key(uuid, name), MEDIA_TYPE, "inline")


def store(image: Image, files: dict[str, bytes]) -> None:
    """Put the rendered previews into the bucket. Raises storage.StorageUnavailable."""
    for name, file in files.items():
        storage.put(_key(image.uuid, name), file, MEDIA_TYPE)


def discard(image: Image) -> None:
    """Remove the previews, if there are any. Raises storage.StorageUnavailable."""
    for key in keys(image.uuid):
        storage.delete(key)


def keys(uuid: UUID) -> list[str]:
    """Where the previews of the image with this uuid are in the bucket, if there are any."""
    return [_key(uuid, name) for name in SIZES]


def _key(uuid: UUID, name: str) -> str:
    return f"previews/{uuid}/{name}.webp"
