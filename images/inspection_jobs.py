"""One inspection of one uploaded file: fetch it, have it read, keep what was found.

Ends in exactly one of three ways: the image is processed for good, it is due again later, or an
exception says that the store or the database was away, and the claim on it runs out.
"""

import hashlib
import logging
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

from django.conf import settings
from django.db import DataError, IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from images import previews, storage, uploads
from images.inspection import child, sandbox
from images.inspection.findings import Findings, Limits
from images.models import Facts, Image

logger = logging.getLogger(__name__)

# How long a claim holds; renewed while the inspection goes on.
CLAIM_PERIOD = timedelta(seconds=15)
# Tries of what no fault of the file's stopped: a worker that died, a disk that was full.
PATIENCE = 10
LONGEST_WAIT = timedelta(seconds=64)


class Stopping(Exception):
    """The worker is to stop: what it holds is handed back."""


@dataclass
class Content:
    """A file as it is fetched: its checksums, and the bytes."""

    file: BinaryIO
    sha256: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    md5: "hashlib._Hash" = field(default_factory=lambda: hashlib.md5(usedforsecurity=False))

    def take(self, piece: bytes) -> None:
        self.file.write(piece)
        self.sha256.update(piece)
        self.md5.update(piece)


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


def record(
    image: Image, findings: Findings, content: Content | None = None, files: bool = False
) -> None:
    """Keep what was found, for good.

    Whoever deleted the image in the meantime has precedence, and so has another worker that was
    done sooner: this one may have been halted until its claim had run out.
    """
    with transaction.atomic():
        present = Image.objects.filter(pk=image.pk, deleted_at=None, processed_at=None)
        kept = present.update(
            processed_at=Now(), check_at=image.upload_expires_at + uploads.LAST_CHECK, checks=0
        )
        if kept:
            Facts.objects.update_or_create(image=image, defaults=_fields(findings, content, files))
    if not kept and Image.objects.filter(pk=image.pk).exclude(deleted_at=None).exists():
        previews.discard(image)
    if findings.problem:
        logger.info("Image %s: %s", image.pk, findings.problem)


def _inspect_in(file: BinaryIO, image: Image, keep: Callable[[], None], work: sandbox.Work) -> None:
    content = Content(file)
    if not _fetch(image, content, keep):
        _begin(image)
        return _try_again(image, "missing: the file is not in the store", settings.INSPECTION_TRIES)
    if _begin(image) > PATIENCE:
        reason = "unreadable: no worker lived to tell what is in it"
        return record(image, Findings(problem=reason), content)
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


def _fetch(image: Image, content: Content, keep: Callable[[], None]) -> bool:
    def take(piece: bytes) -> None:
        content.take(piece)
        keep()

    there = storage.download(image.key, take)
    content.file.flush()
    return there


def _keeper(image: Image, stopping: Callable[[], bool]) -> Callable[[], None]:
    """What renews the claim when it is called, every few seconds at most. Raises Stopping."""
    renewed_at = time.monotonic()

    def keep() -> None:
        nonlocal renewed_at
        if stopping():
            raise Stopping
        if time.monotonic() - renewed_at >= sandbox.RENEWAL_SECONDS - 0.5:
            renewed_at = time.monotonic()
            Image.objects.filter(pk=image.pk).update(check_at=timezone.now() + CLAIM_PERIOD)

    return keep


def _begin(image: Image) -> int:
    # Counted before the file is touched: if it brings this process down, that is known.
    Image.objects.filter(pk=image.pk).update(attempts=F("attempts") + 1)
    image.refresh_from_db(fields=["attempts"])
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
        "latitude": latitude,
        "longitude": longitude,
        "taken_at": datetime.fromtimestamp(taken_at, UTC) if taken_at is not None else None,
        "thumbhash": findings.thumbhash,
        "fingerprint": findings.fingerprint,
        "has_previews": files,
        "problem": findings.problem,
    }
