"""Erasing an image for good: its bytes, its record with all that hangs on it, and its lines.

Releases that list it keep the leaf in place of the line, so that they still verify, and say
`erased`. First of all it is written down that this is to be done, and then the image is deleted as
others are; the worker goes on with whatever was begun. Each step can be done again.
"""

import logging
from datetime import timedelta
from typing import NamedTuple

import orjson
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from images import deletion, holds, keys, storage, uploads
from images.models import Image, PartedUpload
from search.index.bits import block_of, is_set
from search.models import BLOCK
from taggedimages.changes.models import RemovedLink
from taggedimages.datasets import chunks, holding
from taggedimages.datasets.lines import LEAF_BYTES, canonical
from taggedimages.datasets.models import Chunk, Erasure, Release
from taggedimages.identity.authors import Author
from taggedimages.monitoring import jobs
from taggedimages.postgresql.fragments import statement
from tags.history import signed

logger = logging.getLogger(__name__)

WITHHELD = "erased"
# Who did it, where nobody says their name.
OPERATOR = "operator"
# Until the worker tries again what the store, or a release that is being built, kept it from.
REST = timedelta(seconds=20)
LISTING = statement(
    "SELECT release_id FROM datasets_set WHERE block = {block} AND {is_member} ORDER BY release_id",
    block=block_of("%(image)s"),
    is_member=is_set("bits", "%(image)s"),
)
STRIKE = statement(
    """
UPDATE datasets_set SET bits = set_bit(bits, %(bit)s, 0)
WHERE release_id = %(release)s AND block = {block} AND {is_member}
""",
    block=block_of("%(image)s"),
    is_member=is_set("bits", "%(image)s"),
)


class NoImage(Exception):
    """There is no image of this id, and no release lists one."""


class Erasable(NamedTuple):
    """What there is of an image: its record, an erasure that was begun, and the releases, retired
    ones too, that list it with a line of its own."""

    image: Image | None
    begun: Erasure | None
    releases: list[int]


def erasable(image_id: int) -> Erasable:
    """What erasing an image would be about. Raises NoImage."""
    found = Erasable(
        Image.objects.filter(pk=image_id).first(),
        Erasure.objects.filter(image_id=image_id).first(),
        releases_of(image_id),
    )
    if not any(found):
        raise NoImage(f"There is no image {image_id}.")
    return found


def erase(image_id: int, reason: str, by: str = OPERATOR) -> Erasure:
    """Erase an image: at once but for what the store does not let go now, or may still get.

    Waits for releases that are being built. Once that is done, it changes nothing. Raises NoImage.
    """
    erasure = _begin(image_id, reason, by)
    try:
        go_on(erasure, wait=True)
    except storage.StorageUnavailable as error:
        logger.warning("%s The worker removes the bytes later.", error)
        _put_off(erasure)
    erasure.refresh_from_db()
    return erasure


def sweep() -> int:
    """Go on with all erasures that are due, for the worker; returns how many."""
    due = list(Erasure.objects.filter(done_at=None, due_at__lte=Now()).order_by("due_at")[:100])
    for erasure in due:
        try:
            with jobs.job("erase", image=erasure.image_id):
                go_on(erasure)
        except (storage.StorageUnavailable, holds.NotNow) as error:
            logger.warning("%s Image %s is erased later.", error, erasure.image_id)
            _put_off(erasure)
    return len(due)


def go_on(erasure: Erasure, *, wait: bool = False) -> None:
    """Do what is left of it. Raises storage.StorageUnavailable, and unless it is to `wait` for
    releases that are being built, holds.NotNow."""
    if erasure.done_at:
        return
    with transaction.atomic():
        # What was being built may list the image. No later release will, for it is deleted.
        holding.alone(wait=wait)
    for release_id in releases_of(erasure.image_id):
        _withhold(release_id, erasure.image_id)
    _forget(erasure.image_id, wait=wait)
    _remove_objects(erasure)


def releases_of(image_id: int) -> list[int]:
    """The releases, retired ones too, that list an image with a line of its own."""
    with connection.cursor() as cursor:
        cursor.execute(LISTING.text, {"image": image_id})
        return [release_id for (release_id,) in cursor.fetchall()]


@transaction.atomic
def _begin(image_id: int, reason: str, by: str) -> Erasure:
    # Nobody else begins meanwhile, and changes it no more.
    Image.objects.select_for_update(no_key=True).filter(pk=image_id).first()
    image, begun, _ = erasable(image_id)
    if begun:
        return begun
    told = {"reason": reason, "author_name": by, **(_objects_of(image) if image else {})}
    if image:
        deletion.delete(image)
    return Erasure.objects.create(image_id=image_id, **told)


def _objects_of(image: Image) -> dict[str, object]:
    """What the store has of an image, and until when something may come there."""
    parted = PartedUpload.objects.filter(image=image)
    # A copy of what is just being taken; and by then inspections are over.
    stored = {*deletion.stored_keys(image), keys.archived(keys.upload_key(image.key))}
    return {
        "keys": sorted(stored),
        "uploads": [[image.key, upload.upload_id] for upload in parted],
        "last_at": max(
            image.upload_expires_at + uploads.LAST_CHECK, timezone.now() + deletion.LAST_PREVIEWS
        ),
    }


@transaction.atomic
def _withhold(release_id: int, image_id: int) -> None:
    """Put the leaf of an image in place of its line in a release, which holds it no longer."""
    values = {"release": release_id, "image": image_id, "bit": image_id % BLOCK}
    Release.objects.select_for_update(no_key=True).get(pk=release_id)
    with connection.cursor() as cursor:
        cursor.execute(STRIKE.text, values)
        if not cursor.rowcount:
            return
    chunk = Chunk.objects.get(
        release=release_id, first_image__lte=image_id, last_image__gte=image_id
    )
    lines = chunks.lines_in(chunk)
    place = [orjson.loads(line)["id"] for line in lines].index(image_id)
    leaf = bytes(chunk.leaves)[place * LEAF_BYTES : (place + 1) * LEAF_BYTES]
    lines[place] = canonical({"id": image_id, "leaf": leaf.hex(), "withheld": WITHHELD})
    of_chunk = Chunk.objects.filter(release=release_id, number=chunk.number)
    of_chunk.update(lines=chunks.compressed(lines))
    Release.objects.filter(pk=release_id).update(erased=F("erased") + 1)


@transaction.atomic
def _forget(image_id: int, *, wait: bool) -> None:
    """Remove the record with its facts and links, and links that could be brought back."""
    # Otherwise a release that has begun meanwhile keeps every record.
    holding.alone(wait=wait)
    with signed(Author(None, "command:erase", is_operator=True)):
        Image.objects.filter(pk=image_id).delete()
    RemovedLink.objects.filter(image_id=image_id).delete()


def _remove_objects(erasure: Erasure) -> None:
    for key, upload_id in erasure.uploads:
        storage.abort_parts(key, upload_id)
    for key in erasure.keys:
        storage.delete(key)
    now = timezone.now()
    present = Erasure.objects.filter(pk=erasure.pk)
    if erasure.last_at > now:
        present.update(due_at=erasure.last_at)
    else:
        present.update(done_at=now, keys=[], uploads=[])


def _put_off(erasure: Erasure) -> None:
    Erasure.objects.filter(pk=erasure.pk).update(due_at=timezone.now() + REST)
