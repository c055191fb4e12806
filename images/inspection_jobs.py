"""One inspection of one uploaded file: fetch it, have it read, keep what was found.

Ends in exactly one of three ways: the image is processed for good, it is due again later, or an
exception says that the store or the database was away, and the claim on it runs out.
"""

import logging
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

from django.conf import settings
from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from images import previews, storage, subjects, uploads
from images.inspection import child, sandbox
from images.inspection.findings import Findings, Limits
from images.models import Facts, Image
from images.storage import Content, StoredObject
from taggedimages.monitoring import jobs

logger = logging.getLogger(__name__)

# Tries of what no fault of the file's stopped: a worker that died, a disk that was full.
PATIENCE = 10
LONGEST_WAIT = timedelta(seconds=64)
# Claims of an image whose bytes come damaged each time, before that is told. It is looked at again
# after a share of its age, for bytes that were changed on their way are good once that is mended.
DOUBTS = 8
DAMAGED = "damaged:"
DOUBT_WAIT_MIN, DOUBT_WAIT_MAX = timedelta(minutes=1), timedelta(days=1)
DOUBT_SHARE_OF_AGE = 1 / 8
# To read more takes longer than the claim on a record whose file is looked for.
LONG_READ_BYTES = 1024**2
BEGIN = "UPDATE images_image SET attempts = attempts + 1 WHERE id = %s RETURNING attempts"


class Stopping(Exception):
    """The worker is to stop: what it holds is handed back."""


def inspect(
    image: Image,
    stopping: Callable[[], bool] = lambda: False,
    work: sandbox.Work = child.work,
) -> None:
    """Inspect an uploaded image once. Raises storage.StorageUnavailable."""
    if image.size > settings.MAX_INSPECTED_BYTES:
        reason = f"{image.size} bytes, {settings.MAX_INSPECTED_BYTES} are inspected"
        return record(image, Findings(problem=f"too_large: {reason}"))
    try:
        with tempfile.TemporaryFile() as file:
            _inspect_in(file, image, _keeper(image, stopping), work)
    except Stopping:
        _again(image, timedelta(0))
    except OSError as error:
        _begin(image)
        _try_again(image, f"unreadable: no room to read it: {error.strerror}", PATIENCE)
    return None


def inspect_arrived(
    image: Image,
    stopping: Callable[[], bool] = lambda: False,
    work: sandbox.Work = child.work,
) -> None:
    """Look for the file of a pending record; where it has arrived, take it and inspect it.

    It is read once, and taken as it was read. Raises storage.StorageUnavailable.
    """
    try:
        with tempfile.TemporaryFile() as file:
            _take_and_inspect(file, image, _keeper(image, stopping), work)
    except Stopping:
        _again(image, timedelta(0))
    except OSError:
        # No room to read it: it is taken all the same.
        uploads.confirm(image)


def _take_and_inspect(
    file: BinaryIO, image: Image, keep: Callable[[], None], work: sandbox.Work
) -> None:
    content = Content(file)

    def wanted(found: StoredObject) -> bool:
        if found.size > settings.MAX_INSPECTED_BYTES or image.size not in (0, found.size):
            return False
        if found.size > LONG_READ_BYTES:
            _hold(image)
        return True

    try:
        seen = storage.fetch(image.key, content, keep, wanted)
    except storage.Damaged as damage:
        logger.warning("Image %s: %s", image.pk, damage)
        uploads.confirm(image)
        return
    if seen is None:
        return
    if content.size != seen.size:
        uploads.confirm(image)
        return
    settled = uploads.settle(image, seen, attempts=1)
    if settled is uploads.Settled.CHANGED:
        _again(image, timedelta(seconds=1))
    if settled is uploads.Settled.TAKEN:
        with jobs.job("inspect", image.request_id, image=image.pk):
            _look_into(file, image, content, keep, work)


def record(
    image: Image, findings: Findings, content: Content | None = None, files: bool = False
) -> None:
    """Keep what was found, for good.

    Whoever deleted the image in the meantime has precedence, and so has another worker that was
    done sooner: this one may have been halted until its claim had run out.
    """
    fields = _fields(findings, content, files)
    with transaction.atomic():
        present = Image.objects.filter(pk=image.pk, deleted_at=None, processed_at=None)
        kept = present.update(
            processed_at=Now(),
            check_at=image.upload_expires_at + uploads.LAST_CHECK,
            checks=0,
            request_id=None,
        )
        if kept:
            Facts.objects.bulk_create(
                [Facts(image=image, **fields)],
                update_conflicts=True,
                unique_fields=["image"],
                update_fields=fields,
            )
    if not kept and Image.objects.filter(pk=image.pk).exclude(deleted_at=None).exists():
        previews.discard(image)
    if findings.problem:
        logger.info("Image %s: %s", image.pk, findings.problem)


def _inspect_in(file: BinaryIO, image: Image, keep: Callable[[], None], work: sandbox.Work) -> None:
    content = Content(file)
    try:
        there = _fetch(image, content, keep)
    except storage.Damaged as damage:
        return _doubt(image, damage)
    if not there:
        _begin(image)
        return _try_again(image, "missing: the file is not in the store", settings.INSPECTION_TRIES)
    if _begin(image) > PATIENCE:
        reason = "unreadable: no worker lived to tell what is in it"
        return record(image, Findings(problem=reason), content)
    return _look_into(file, image, content, keep, work)


def _look_into(
    file: BinaryIO, image: Image, content: Content, keep: Callable[[], None], work: sandbox.Work
) -> None:
    """The inspection itself, of what was read, once it has been counted as begun."""
    try:
        found = sandbox.run(file, limits(), settings.INSPECTION_SECONDS, keep, work)
        previews.store(image, found.previews)
    except sandbox.Lost:
        return _again(image, min(timedelta(seconds=2 ** (image.attempts - 1)), LONGEST_WAIT))
    except sandbox.Failed as failure:
        return _try_again(image, str(failure), settings.INSPECTION_TRIES, content)
    except (Stopping, storage.StorageUnavailable):
        # No fault of the file's.
        Image.objects.filter(pk=image.pk).update(attempts=F("attempts") - 1)
        raise
    try:
        return record(image, found.findings, content, bool(found.previews))
    except (DataError, IntegrityError, ValueError, OverflowError) as error:
        # Of this file alone: the database is there, and others' are looked after.
        logger.warning("Image %s: what was found cannot be kept: %s", image.pk, error)
        reason = "unreadable: it says what the database cannot hold"
        return record(image, Findings(problem=reason), content)


def limits() -> Limits:
    """What one file may cost, from the settings."""
    return Limits(
        pixels=settings.MAX_PIXELS,
        memory=settings.INSPECTION_MEMORY_BYTES,
        metadata=settings.MAX_METADATA_BYTES,
        cpu_seconds=settings.INSPECTION_CPU_SECONDS,
        dicom_fields=tuple(settings.DICOM_FIELDS),
    )


def inspect_damaged(image: Image, stopping: Callable[[], bool] = lambda: False) -> None:
    """Look whether an image that was damaged each time comes as it was stored by now."""
    Image.objects.filter(pk=image.pk).update(processed_at=None, attempts=0, checks=DOUBTS)
    image.refresh_from_db()
    inspect(image, stopping)


def is_damaged(image: Image) -> bool:
    """Whether all that is known of the file of an image is that it came damaged each time."""
    facts = image.known_facts
    return facts is not None and facts.problem.startswith(DAMAGED)


def _fetch(image: Image, content: Content, keep: Callable[[], None]) -> bool:
    try:
        return storage.download(image.key, content, keep)
    except storage.Damaged as damage:
        # Most often on its way: it is asked for once more at once.
        logger.warning("Image %s: %s", image.pk, damage)
    content.clear()
    try:
        return storage.download(image.key, content, keep)
    except storage.Damaged:
        # The store's tag of parts may be of another kind: what was found before is as good.
        if image.known_facts and image.known_facts.md5_hex == content.md5.hexdigest():
            content.file.flush()
            return True
        raise


def _doubt(image: Image, damage: storage.Damaged) -> None:
    """Put an image off whose bytes come damaged: nothing of them is kept. Facts of before stay."""
    if image.checks < DOUBTS:
        return _again(image, min(timedelta(seconds=2**image.checks), LONGEST_WAIT))
    reason = f"{DAMAGED} {damage} It is tried again."
    logger.error("Image %s: %s", image.pk, reason)
    age = (timezone.now() - image.created_at) * DOUBT_SHARE_OF_AGE
    wait = min(max(age, DOUBT_WAIT_MIN), DOUBT_WAIT_MAX)
    if image.known_facts and not is_damaged(image):
        return _again(image, wait)
    record(image, Findings(problem=reason))
    present = Image.objects.filter(pk=image.pk, deleted_at=None)
    present.update(check_at=timezone.now() + wait)
    return None


def _keeper(image: Image, stopping: Callable[[], bool]) -> Callable[[], None]:
    """What renews the claim when it is called, every few seconds at most. Raises Stopping."""
    renewed_at = time.monotonic()

    def keep() -> None:
        nonlocal renewed_at
        if stopping():
            raise Stopping
        if time.monotonic() - renewed_at >= sandbox.RENEWAL_SECONDS - 0.5:
            renewed_at = time.monotonic()
            _hold(image)

    return keep


def _hold(image: Image) -> None:
    Image.objects.filter(pk=image.pk).update(check_at=timezone.now() + uploads.CLAIM_PERIOD)


def _begin(image: Image) -> int:
    # Counted before the file is touched: if it brings this process down, that is known.
    with connection.cursor() as cursor:
        cursor.execute(BEGIN, [image.pk])
        (image.attempts,) = cursor.fetchone()
    return image.attempts


def _try_again(image: Image, reason: str, tries: int, content: Content | None = None) -> None:
    if image.attempts >= tries:
        record(image, Findings(problem=reason), content)
    else:
        _again(image, min(timedelta(seconds=2**image.attempts), LONGEST_WAIT))


def _again(image: Image, wait: timedelta) -> None:
    unprocessed = Image.objects.filter(pk=image.pk, deleted_at=None, processed_at=None)
    unprocessed.update(check_at=timezone.now() + wait)


def _fields(findings: Findings, content: Content | None, files: bool) -> dict[str, object]:
    latitude, longitude = findings.gps or (None, None)
    taken_at = findings.taken_at
    return {
        "format": findings.format,
        "media_type": findings.media_type,
        "width": findings.width,
        "height": findings.height,
        "orientation": findings.orientation,
        "color": findings.color,
        "sha256": content.sha256.digest() if content else None,
        "md5": content.md5.digest() if content else None,
        "exif": findings.exif,
        "dicom": findings.dicom,
        "subject": subjects.pseudonym(findings.subject),
        "latitude": latitude,
        "longitude": longitude,
        "taken_at": datetime.fromtimestamp(taken_at, UTC) if taken_at is not None else None,
        "thumbhash": findings.thumbhash,
        "fingerprint": findings.fingerprint,
        "has_previews": files,
        "problem": findings.problem,
    }
