"""The bucket against records: what one has and the other does not, and other bytes."""

from collections.abc import Iterator, Sequence

from django.db.models import QuerySet

from images import reconciliation
from images.models import Image
from taggedimages.datasets.files import File, Wrong, wrong
from taggedimages.terminal import progress
from taggedimages.verification.outcomes import Outcome, counted

# Requests to the store at a time, for which boto3 keeps connections; images of one lot; and of what
# is wrong, so many are named.
AT_ONCE, LOT, NAMED = 8, 500, 20
# Uploads that are about to be taken: by the worker, which may stand still just now.
UNDER_WAY = "arrived"
RECONCILE = "See manage.py reconcile, which mends it with --apply."
RESTORE = "Bring these files back from a backup, or have them sent again."


def objects(deep: bool) -> Iterator[Outcome]:
    """Objects against records and, where `deep`, the bytes of each file against what was inspected.

    Raises storage.StorageUnavailable.
    """
    report = reconciliation.take_stock()
    named: dict[str, list[str]] = {}
    with progress("objects", None, "findings") as bar:
        for finding in reconciliation.findings(report):
            bar.update()
            if len(named.setdefault(finding.kind, [])) < NAMED:
                named[finding.kind].append(finding.key)
    left = {kind: n for kind, n in report.findings.items() if kind != UNDER_WAY}
    says = f"{report.objects:,} objects of {report.bytes:,} bytes, {report.records:,} records"
    if report.findings:
        kinds = {f"{kind} ({', '.join(named[kind])})": n for kind, n in report.findings.items()}
        says += f"; {counted(kinds)}."
    details = {"findings": report.findings, "first": named}
    yield Outcome("objects", not left, says, RECONCILE if left else "", details)
    if deep:
        yield _read()


def _read() -> Outcome:
    """Every byte of every file that was inspected, against the SHA-256 that it had then."""
    live = Image.objects.filter(deleted_at=None, uploaded_at__isnull=False)
    read = 0
    damaged: dict[int, Wrong] = {}
    with progress("bytes", live.filter(facts__sha256__isnull=False).count(), "files") as bar:
        for lot in _lots():
            found = wrong(lot, deep=True, at_once=AT_ONCE)
            # Deleted, or inspected anew, while they were read: they are looked at once more.
            again = _files(Image.objects.filter(pk__in=found)) if found else []
            damaged |= wrong(again, deep=True, at_once=AT_ONCE) if again else {}
            read += len(lot)
            bar.update(len(lot))
    unread = live.filter(facts__sha256=None).count()
    says = f"{read:,} files were read"
    says += f", {unread:,} were not, which nobody has inspected" if unread else ""
    first = sorted(damaged)[:NAMED]
    if damaged:
        says += f"; {len(damaged):,} have other bytes than they had (images {first})."
    details = {"read": read, "unread": unread, "damaged": len(damaged), "first": first}
    return Outcome("bytes", not damaged, says, RESTORE if damaged else "", details)


def _lots() -> Iterator[Sequence[File]]:
    last = 0
    while lot := _files(Image.objects.filter(pk__gt=last)):
        yield lot
        last = lot[-1].image_id


def _files(images: QuerySet[Image]) -> list[File]:
    found = (
        images.filter(deleted_at=None, uploaded_at__isnull=False, facts__sha256__isnull=False)
        .order_by("pk")
        .values_list("pk", "facts__sha256", "size")[:LOT]
    )
    return [File(image, bytes(sha256 or b"").hex(), size) for image, sha256, size in found]
