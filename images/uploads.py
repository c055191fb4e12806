"""The upload life cycle: begin a record, receive bytes, confirm that a file has arrived.

However the news of a file comes (an S3 event, the client, a reader, the worker), it ends in
`confirm`, which believes only the store.
"""

from copy import copy
from datetime import timedelta
from enum import Enum

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from images import inserts, keys, quotas, storage
from images.models import Image
from images.storage import StoredObject
from images.visibility import Visibility, default_visibility
from taggedimages.identity.authors import Author
from taggedimages.monitoring import request_ids

# What taking a file writes into its record.
TAKEN = (
    *("key", "size", "uploaded_at", "upload_error", "check_at", "checks", "updated_at"),
    *("request_id", "attempts"),
)
# How long a claim on a file holds; renewed while it is read.
CLAIM_PERIOD = timedelta(seconds=15)
FIRST_CHECK = timedelta(seconds=2)
# The `checks` of a record whose file nobody has seen: listing finds it (images.arrivals), so that
# looks at the record itself, after as many doublings of a second, are for what that may miss.
UNSEEN = 10
# A transfer that began before its URL expired may go on for long after.
UPLOAD_GRACE = timedelta(seconds=settings.UPLOAD_GRACE_SECONDS)
# From the end of the upload URL until nothing comes by it any more.
LAST_CHECK = UPLOAD_GRACE + FIRST_CHECK
# Sets these advisory locks apart from any others in the database.
LOCK_SPACE = 1_768_845_427


class NotArrived(Exception):
    """The file of a pending record is not in the store, or not the file that was declared."""


def begin(
    filename: str, size: int | None, by: Author, visibility: Visibility | None = None
) -> Image:
    """Make the record of a file that the client will PUT to `storage.presign_put(image.key)`.

    Raises quotas.QuotaExceeded.
    """
    image = drafted(filename, size, by, visibility)
    save(image)
    return image


def save(image: Image) -> None:
    """Keep a new record if its project has room for the file; within a transaction.

    A file of unknown size needs room for a byte; how many it has is judged when it arrives.
    Raises quotas.QuotaExceeded.
    """
    quotas.admit(str(image.project_id), image.size or 1)
    inserts.insert(image)


def drafted(
    filename: str, size: int | None, by: Author, visibility: Visibility | None = None
) -> Image:
    """The record of a file that is yet to come, not saved."""
    created_at = timezone.now()
    return Image(
        filename=filename,
        name=filename,
        size=size or 0,
        key=keys.new_key(filename, created_at),
        created_by=by.user,
        project_id=by.project_id,
        created_at=created_at,
        visibility=default_visibility() if visibility is None else visibility,
        check_at=created_at + timedelta(seconds=2**UNSEEN),
        checks=UNSEEN,
    )


def seconds_left(image: Image) -> int:
    """How long a new upload URL of a pending record may live: no longer than others, nor than the
    record waits for its file."""
    left = image.upload_expires_at + UPLOAD_GRACE - timezone.now()
    return min(int(settings.PRESIGNED_SECONDS), int(left.total_seconds()))


def receive(filename: str, body: bytes, by: Author, visibility: Visibility | None = None) -> Image:
    """Store bytes that came in one request; returns the record, not yet saved.

    The object comes first, so that an outage of the store leaves no record behind.
    Raises storage.StorageUnavailable.
    """
    created_at = timezone.now()
    key = keys.new_key(filename, created_at)
    storage.put(key, body)
    return Image(
        filename=filename,
        name=filename,
        size=len(body),
        key=key,
        created_by=by.user,
        project_id=by.project_id,
        created_at=created_at,
        visibility=default_visibility() if visibility is None else visibility,
        uploaded_at=timezone.now(),
        check_at=timezone.now(),
    )


def confirm(image: Image) -> Image:
    """See whether the file of a pending record has arrived, and if so, take it.

    Idempotent and safe to run at once from several places. The object moves under `archive/`, so
    that the upload URL, which is still valid, cannot change it. Returns the record as it now is.
    Raises storage.StorageUnavailable.
    """
    if image.uploaded_at or image.deleted_at:
        return image
    seen = storage.head(image.key)
    if seen:
        settle(image, seen)
    return image


class Settled(Enum):
    """What became of a file that was seen: taken, left to another or refused, or it is no longer
    what was seen."""

    TAKEN, LEFT, CHANGED = range(3)


def settle(image: Image, seen: StoredObject, attempts: int = 0) -> Settled:
    """Take the file of a pending record as it was seen, or refuse it, unless another did.

    `attempts` is how many inspections of it are begun thereby. Raises storage.StorageUnavailable.
    """
    upload_key, settled = image.key, Settled.LEFT
    spare: set[str] = set()
    with transaction.atomic():
        one_at_a_time(image)
        image.refresh_from_db()
        if image.uploaded_at is None and image.deleted_at is None:
            spare, settled = _take(image, seen, attempts)
    if image.key != upload_key:
        spare.add(upload_key)
    for key in spare:
        storage.delete(key)
    return settled


def try_to_confirm(image: Image) -> bool:
    """Confirm for somebody who only reads: False where the store or the database cannot now."""
    try:
        confirm(copy(image))
    except (storage.StorageUnavailable, OperationalError, InterfaceError):
        return False
    return True


def arrived(image: Image) -> Image:
    """Confirm at the client's word. Raises NotArrived, and storage.StorageUnavailable."""
    image = confirm(image)
    if image.uploaded_at is None:
        # Somebody else may have taken it in between, and it is no longer where it was looked for.
        image.refresh_from_db()
    if image.uploaded_at is None:
        raise NotArrived(image.upload_error or "The file has not arrived.")
    return image


def discard_late(image: Image) -> None:
    """Remove what was PUT to an upload URL after the file had been taken."""
    if image.is_archived:
        storage.delete(keys.upload_key(image.key))


def _take(image: Image, seen: StoredObject, attempts: int) -> tuple[set[str], Settled]:
    """Take the file of a pending record, or say why not; also returns keys to be removed."""
    if image.size and seen.size != image.size:
        _refuse(image, f"size_mismatch: {image.size} bytes were declared and {seen.size} arrived")
        return set(), Settled.LEFT
    target = keys.archived(keys.upload_key(image.key))
    # What came in parts is there already: no URL of a finished upload works any more.
    if image.is_archived:
        kept = seen if storage.head(target) == seen else None
    else:
        kept = storage.copy(image.key, target, seen)
    if kept is None:
        return set(), Settled.CHANGED
    try:
        # Last, since others of the project wait until this transaction ends.
        quotas.admit(str(image.project_id), kept.size - image.size)
    except quotas.QuotaExceeded as error:
        _refuse(image, str(error))
        return {target, image.key}, Settled.LEFT
    image.key = target
    image.size = kept.size
    image.uploaded_at = max(seen.modified_at, image.created_at)
    image.upload_error = ""
    image.attempts += attempts
    # Due at once, to be inspected, unless that is begun.
    due = CLAIM_PERIOD if attempts else timedelta(0)
    image.check_at, image.checks = timezone.now() + due, 0
    image.request_id = request_ids.current() or image.request_id
    # No more than these: while the object was copied, the record may have been edited.
    image.save(update_fields=TAKEN)
    return set(), Settled.TAKEN


def _refuse(image: Image, reason: str) -> None:
    image.upload_error = reason
    image.save(update_fields=["upload_error", "updated_at"])


def one_at_a_time(image: Image) -> None:
    """Wait for whoever else writes the served object of an image, until the transaction ends.

    Of two that confirm at once, the second must not copy something newer over what the first has
    taken. It goes with the connection, whatever dies, and unlike a row lock it keeps nobody from
    editing the record.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_SPACE, image.pk % 2**31])
