"""Which backups were made of this service, for those who watch how old the last one is."""

from django.db import models
from django.db.models import F, Q


class Backup(models.Model):
    """One run of `manage.py backup` that left a new backup. A restored database knows those before
    the one that it came from."""

    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    # As whoever made it sees the folder.
    folder = models.TextField()
    images = models.BigIntegerField()
    objects_count = models.BigIntegerField(db_column="objects")
    bytes = models.BigIntegerField()
    # When it was found to be whole; empty where something lacks.
    verified_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "taggedimages_backup"
        indexes = [
            models.Index(
                F("verified_at").desc(),
                name="backup_last_verified",
                condition=Q(verified_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.folder}, {self.finished_at}"
