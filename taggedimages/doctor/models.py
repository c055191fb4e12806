"""What workers tell of themselves, so that one that is gone or hangs is missed."""

from django.db import models


class Heartbeat(models.Model):
    """A worker that runs or ran: when it was last heard of, by the clock of the database."""

    # Of its process.
    id = models.UUIDField(primary_key=True)
    host = models.CharField(max_length=255)
    pid = models.IntegerField()
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()
    # When its present round of work began, and when it ended as it was asked to.
    round_began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"worker {self.pid} on {self.host}"
