"""Bucket against database, in both directions: what one has and the other does not know.

The bucket is listed into a temporary table of the database, which compares: memory stays small
with any number of objects, and no order of the listing is relied on, since stores differ in it.
A listing is old when it is done, so each finding is checked anew before it is told or mended.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from images import deletion, keys, orphans, processing, storage, uploads
from images.models import Image

OBJECTS_PER_BATCH = 10_000
# Of all that should be there: past it, the bucket rather than the records is in doubt.
SUSPICIOUS_SHARE = 0.1
SUSPICIOUS_NUMBER = 100

LISTING = """
DROP TABLE IF EXISTS listing, findings;
CREATE TEMPORARY TABLE listing (
    key text COLLATE "C", size bigint, modified_at timestamptz, image_uuid uuid
)
"""
INSERT_LISTING = """
INSERT INTO listing SELECT * FROM unnest(%s::text[], %s::bigint[], %s::timestamptz[], %s::uuid[])
"""
# A deleted image keeps its file as long as something is still to be done about it (check_at), or
# somebody holds it (held_at).
FINDINGS = """
ANALYZE listing;
CREATE TEMPORARY TABLE findings AS
SELECT row_number() OVER () AS number, found.* FROM (
    SELECT 'orphan' AS kind, l.key, NULL::bigint AS image_id, l.size, l.modified_at
    FROM listing l LEFT JOIN images_image i ON i.key = l.key
    WHERE i.id IS NULL AND l.image_uuid IS NULL
    UNION ALL
    SELECT 'orphan', l.key, NULL, l.size, l.modified_at
    FROM listing l LEFT JOIN images_image i
        ON i.uuid = l.image_uuid
        AND (i.deleted_at IS NULL OR i.check_at IS NOT NULL OR i.held_at IS NOT NULL)
    WHERE i.id IS NULL AND l.image_uuid IS NOT NULL
    UNION ALL
    SELECT CASE WHEN i.deleted_at IS NOT NULL THEN 'undeleted'
                WHEN i.uploaded_at IS NULL THEN 'arrived'
                WHEN l.key IS NULL THEN 'lost'
                ELSE 'resized' END,
           i.key, i.id, l.size, l.modified_at
    FROM images_image i LEFT JOIN listing l ON l.key = i.key
    WHERE CASE WHEN i.deleted_at IS NOT NULL
                    THEN i.check_at IS NULL AND i.held_at IS NULL AND l.key IS NOT NULL
               WHEN i.uploaded_at IS NULL THEN l.key IS NOT NULL
                    AND (i.upload_error = '' OR i.upload_error LIKE 'lost:%%')
               ELSE l.key IS NULL OR l.size <> i.size END
) found
WHERE kind <> 'orphan' OR modified_at < %s;
CREATE INDEX ON findings (number)
"""
TOTALS = """
SELECT (SELECT count(*) FROM listing), (SELECT COALESCE(sum(size), 0) FROM listing),
       (SELECT count(*) FROM images_image WHERE deleted_at IS NULL),
       (SELECT count(*) FROM findings WHERE kind = 'lost')
"""


class WrongBucket(Exception):
    """So much is missing that the settings, and not the records, must be wrong."""


@dataclass(frozen=True)
class Finding:
    """One difference: its kind (a key of KINDS), where, and what the listing said of it."""

    kind: str
    key: str
    image_id: int | None
    size: int | None
    modified_at: datetime | None


@dataclass
class Report:
    """What there is, and how many findings of each kind, mended or not."""

    objects: int = 0
    bytes: int = 0
    records: int = 0
    lost: int = 0
    findings: dict[str, int] = field(default_factory=dict)
    repaired: int = 0

    def check_plausible(self) -> None:
        """Raise WrongBucket where mending would mark a large share of all records as lost."""
        limit = max(SUSPICIOUS_NUMBER, self.records * SUSPICIOUS_SHARE)
        if self.lost > limit:
            raise WrongBucket(
                f"{self.lost} of {self.records} records have no object in {settings.S3_BUCKET}."
            )


def take_stock(listed_more: Callable[[int], object] = lambda objects: None) -> Report:
    """List the bucket and compare; the findings wait in this database session.

    `listed_more` is told how many objects were listed since it was told last. Raises
    storage.StorageUnavailable.
    """
    with connection.cursor() as cursor:
        cursor.execute(LISTING)
        listed = storage.objects()
        while batch := list(islice(listed, OBJECTS_PER_BATCH)):
            names, seen = zip(*batch, strict=True)
            cursor.execute(
                INSERT_LISTING,
                [
                    list(names),
                    [found.size for found in seen],
                    [found.modified_at for found in seen],
                    [keys.previewed(name) for name in names],
                ],
            )
            listed_more(len(batch))
        old = timezone.now() - timedelta(seconds=settings.ORPHAN_SECONDS)
        cursor.execute(FINDINGS, [old])
        cursor.execute(TOTALS)
        objects, size, records, lost = map(int, cursor.fetchone())
        return Report(objects, size, records, lost)


def findings(report: Report, repair: bool = False) -> Iterator[Finding]:
    """The differences that still are, each mended right after it was seen if so asked.

    Counts them in the report. Raises storage.StorageUnavailable and holds.NotNow.
    """
    for finding in _found():
        mend = FINDING_KINDS[finding.kind](finding)
        if mend is None:
            continue
        report.findings[finding.kind] = report.findings.get(finding.kind, 0) + 1
        if repair:
            mend()
            report.repaired += 1
        yield finding


def _found() -> Iterator[Finding]:
    number = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT number, kind, key, image_id, size, modified_at FROM findings"
                " WHERE number > %s ORDER BY number LIMIT 1000",
                [number],
            )
            rows = cursor.fetchall()
        if not rows:
            return
        for number, *columns in rows:  # noqa: B007
            yield Finding(*columns)


Mend = Callable[[], object]


def _orphan(finding: Finding) -> Mend | None:
    """An object that no record knows: delete it."""
    if not orphans.is_orphan(finding.key, finding.size):
        return None
    return lambda: storage.delete(finding.key)


def _lost(finding: Finding) -> Mend | None:
    """A record whose object is gone: it says so, and is taken again should the object return."""
    image = _record(finding)
    if image is None or image.uploaded_at is None or storage.head(image.key):
        return None
    same = Image.objects.filter(pk=image.pk, key=image.key, uploaded_at=image.uploaded_at)
    reason = f"lost: the file of {image.uploaded_at:%Y-%m-%d %H:%M} UTC is not in the bucket"
    return lambda: same.update(
        uploaded_at=None, upload_error=reason, check_at=None, updated_at=Now()
    )


def _resized(finding: Finding) -> Mend | None:
    """A record with another size than its object: the store is right, and is inspected anew."""
    image = _record(finding)
    seen = storage.head(finding.key)
    if image is None or image.uploaded_at is None or seen is None or seen.size == image.size:
        return None
    same = Image.objects.filter(pk=image.pk, key=image.key, size=image.size)

    def mend() -> None:
        same.update(size=seen.size, updated_at=Now())
        processing.reprocess(Image.objects.filter(pk=image.pk))

    return mend


def _arrived(finding: Finding) -> Mend | None:
    """A pending or lost record whose object is there: take it."""
    image = _record(finding)
    if image is None or image.uploaded_at or storage.head(image.key) is None:
        return None
    return lambda: uploads.confirm(image)


def _undeleted(finding: Finding) -> Mend | None:
    """A deleted image whose object is there all the same: remove it."""
    image = Image.objects.filter(pk=finding.image_id or 0, deleted_at__isnull=False).first()
    if image is None or image.check_at or image.held_at or storage.head(image.key) is None:
        return None
    return lambda: deletion.finish(image)


def _record(finding: Finding) -> Image | None:
    return Image.objects.filter(pk=finding.image_id or 0, key=finding.key, deleted_at=None).first()


# Each looks again whether a finding is still so, and then says what would mend it.
FINDING_KINDS: dict[str, Callable[[Finding], Mend | None]] = {
    "orphan": _orphan,
    "lost": _lost,
    "resized": _resized,
    "arrived": _arrived,
    "undeleted": _undeleted,
}
