"""Large files, sent in parts straight to the store and put together there.

The object is written where it stays, under `archive/`: an upload that was completed takes no
more parts, so nothing need be moved out of reach of its URLs. Limits are S3's own.
"""

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from images import keys, storage, uploads
from images.models import Image, PartedUpload
from images.storage import Part
from images.visibility import Visibility
from taggedimages.identity.authors import Author

MIN_PART_BYTES = 5 * 1024**2
MAX_PART_BYTES = 5 * 1024**3
MAX_PARTS = 10_000
MAX_BYTES = 5 * 1024**4


class BadPlan(ValueError):
    """No store takes a file of this size in so many parts."""


class NotUnderWay(Exception):
    """No upload in parts of this image, or another one, is under way."""


def check_plan(size: int, parts: int, part_size: int | None = None) -> None:
    """Raise BadPlan unless `size` bytes can be sent in `parts` parts.

    `part_size`: of each part but the last, where that is known.
    """
    if not 1 <= parts <= MAX_PARTS:
        raise BadPlan(f"A file is sent in 1 to {MAX_PARTS} parts.")
    if size > MAX_BYTES:
        raise BadPlan(f"A file has at most {MAX_BYTES} bytes (5 TiB).")
    if size > parts * MAX_PART_BYTES:
        raise BadPlan(f"A part has at most {MAX_PART_BYTES} bytes (5 GiB): use more parts.")
    if size <= (parts - 1) * MIN_PART_BYTES:
        raise BadPlan(
            f"Each part but the last has at least {MIN_PART_BYTES} bytes (5 MiB): use fewer parts."
        )
    if part_size is None:
        return
    if not (parts - 1) * part_size < size <= parts * part_size:
        raise BadPlan(f"{parts} parts of {part_size} bytes, the last of fewer, are not {size}.")
    if parts > 1 and not MIN_PART_BYTES <= part_size <= MAX_PART_BYTES:
        raise BadPlan(f"A part has {MIN_PART_BYTES} to {MAX_PART_BYTES} bytes.")


def plan(
    filename: str,
    size: int,
    parts: int,
    by: Author,
    part_size: int | None = None,
    visibility: Visibility | None = None,
) -> PartedUpload:
    """An upload of `size` bytes in `parts` parts and its image, begun in the store and not saved.

    Raises BadPlan and storage.StorageUnavailable.
    """
    check_plan(size, parts, part_size)
    image = uploads.drafted(filename, size, by, visibility)
    image.key = keys.archived(image.key)
    upload_id = storage.begin_parts(image.key)
    return PartedUpload(image=image, upload_id=upload_id, parts=parts, part_size=part_size)


def urls(upload: PartedUpload) -> dict[int, str]:
    """Where each part is to be PUT, by number; bound to its length where that is known."""
    return storage.presign_parts(upload.image.key, upload.upload_id, _lengths(upload))


def _lengths(upload: PartedUpload) -> dict[int, int | None]:
    lengths: dict[int, int | None] = dict.fromkeys(range(1, upload.parts + 1), upload.part_size)
    if upload.part_size or upload.parts == 1:
        before = (upload.parts - 1) * (upload.part_size or 0)
        lengths[upload.parts] = upload.image.size - before
    return lengths


def is_overfull(upload: PartedUpload) -> bool:
    """Whether more bytes have arrived than were declared. Raises storage.StorageUnavailable."""
    parts = storage.parts(upload.image.key, upload.upload_id) or []
    return sum(part.size for part in parts) > upload.image.size


def arrived(upload: PartedUpload) -> dict[int, Part]:
    """The parts that have arrived, by number. Raises NotUnderWay, storage.StorageUnavailable."""
    parts = storage.parts(upload.image.key, upload.upload_id)
    if parts is None:
        raise NotUnderWay("The upload in parts has ended.")
    return {part.number: part for part in parts}


def complete(image: Image, upload_id: str, parts: Iterable[tuple[int, str]]) -> Image:
    """Make the file of its parts, given as (number, etag) in order, and take it.

    Once that is done, doing it again changes nothing, with whatever parts. Raises NotUnderWay,
    storage.PartsRefused, uploads.NotArrived and storage.StorageUnavailable.
    """
    if image.uploaded_at:
        PartedUpload.objects.filter(image=image).delete()
        return image
    upload = under_way(image)
    if upload.upload_id != upload_id:
        raise NotUnderWay("Another upload of this image is under way.")
    # Should this process die between the two steps, the worker takes the second.
    soon = timezone.now() + uploads.FIRST_CHECK
    Image.objects.filter(pk=image.pk, uploaded_at=None).update(check_at=soon, checks=0)
    with transaction.atomic():
        # Two at once would each write the object, the second over what the first had taken.
        uploads.one_at_a_time(image)
        storage.complete_parts(image.key, upload_id, parts)
    # Where no such upload was found, an earlier try may have completed it: the object tells.
    image = uploads.arrived(image)
    upload.delete()
    return image


def abort(image: Image) -> None:
    """End the upload and free what has arrived; where none is under way, nothing happens.

    Raises storage.StorageUnavailable.
    """
    upload = PartedUpload.objects.filter(image=image).first()
    if upload:
        storage.abort_parts(image.key, upload.upload_id)
        upload.delete()


def under_way(image: Image) -> PartedUpload:
    """The upload of an image. Raises NotUnderWay."""
    upload = PartedUpload.objects.filter(image=image).first()
    if upload is None:
        raise NotUnderWay("No upload in parts is under way.")
    upload.image = image
    return upload


@transaction.atomic
def save(upload: PartedUpload) -> None:
    """Keep a planned upload with its image. Raises quotas.QuotaExceeded."""
    uploads.save(upload.image)
    upload.save(force_insert=True)
