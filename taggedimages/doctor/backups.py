"""How old the last backup is that was found to be whole."""

from collections.abc import Iterator

from django.utils import timezone

from taggedimages.backup import records
from taggedimages.doctor.findings import Finding, fail, ok, span, warn

# One that is made each night may fail once; a week without any is nobody's plan.
OLD_SECONDS, TOO_OLD_SECONDS = 2 * 86_400, 8 * 86_400
DO = "Run `manage.py backup DIR`, each night by a timer (docs/operating/backup.md)."


def last() -> Iterator[Finding]:
    """By what `manage.py backup` leaves in the database."""
    at = records.last_verified_at()
    if at is None:
        yield warn("No backup of this database is known that was found to be whole.", DO)
        return
    age = (timezone.now() - at).total_seconds()
    said = f"The last backup that was found to be whole is {span(age)} old."
    if age > TOO_OLD_SECONDS:
        yield fail(said, DO)
    else:
        yield warn(said, DO) if age > OLD_SECONDS else ok(said)
