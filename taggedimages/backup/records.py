"""What the database remembers of backups."""

from datetime import datetime

from django.db.models import Max

from taggedimages.backup.models import Backup


def last_verified_at() -> datetime | None:
    """When a backup was last found to be whole; None where there was none."""
    found: datetime | None = Backup.objects.aggregate(last=Max("verified_at"))["last"]
    return found
