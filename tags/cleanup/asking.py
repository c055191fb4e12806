"""Asking for a look through the vocabulary, which a worker then takes."""

from django.db.models.functions import Now

from tags.cleanup.models import CleanupSweep


def ask() -> None:
    """Have a worker look through the vocabulary now, or once more if it is at it."""
    CleanupSweep.objects.get_or_create(id=1)
    CleanupSweep.objects.update(asked_at=Now())


def is_waiting(sweep: CleanupSweep) -> bool:
    """Whether somebody has asked, and no worker has begun since."""
    if sweep.asked_at is None:
        return False
    return sweep.began_at is None or sweep.asked_at > sweep.began_at
