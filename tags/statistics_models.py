"""The tables of how much tags are used, and of how far the worker has come with that."""

from django.db import models
from django.db.models import Q


class TagStatistics(models.Model):
    """How much a tag is used, so that lists are in that order without counting anything.

    Written by the worker alone (tags.statistics), a moment after the change; every tag has a row
    but those of the last moment. `links` is the number of the tag index (`search_setsize`), which
    says nothing of tags that never had a link. `last_used_at` is when a link last came or got a
    value: None where nobody knows of any.
    """

    tag = models.OneToOneField(
        "tags.Tag",
        on_delete=models.DO_NOTHING,
        primary_key=True,
        db_constraint=False,
        related_name="statistics",
    )
    links = models.BigIntegerField(default=0, db_default=0)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "tags"
        db_table = "tags_statistics"
        indexes = [
            models.Index(fields=["links", "tag"], name="statistics_by_links"),
            models.Index(
                fields=["last_used_at", "tag"],
                name="statistics_by_last_use",
                condition=Q(last_used_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.links} links of tag {self.tag_id}"


class StatisticsProgress(models.Model):
    """One row: how far the worker has come with TagStatistics.

    All lines of both ledgers up to `line` and `vocabulary_line` are taken in for good, and those up
    to `seen` and `vocabulary_seen` as far as they were visible. A pass over all that
    there is, the first or one that puts right, is at a `position` of its `step` (tags.statistics);
    None: none is under way, and the last came to its end at `checked_at`.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    line = models.BigIntegerField(default=0)
    seen = models.BigIntegerField(default=0)
    vocabulary_line = models.BigIntegerField(default=0)
    vocabulary_seen = models.BigIntegerField(default=0)
    step = models.SmallIntegerField(null=True, default=0)
    position = models.BigIntegerField(default=0)
    checked_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "tags"
        db_table = "tags_statisticsprogress"

    def __str__(self) -> str:
        return f"up to line {self.line}"
