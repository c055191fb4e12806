"""What was found in the vocabulary that wants a curator's look, and what is no problem for good."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now

from tags import names


class Kind(models.TextChoices):
    """Why tags were found; the surest first."""

    CASE = "case", "Twins by case"
    SPACING = "spacing", "Twins by spaces and signs"
    ACCENTS = "accents", "Twins by accents"
    PLURAL = "plural", "Singular and plural"
    SPELLING = "spelling", "Twins by spelling"
    CONTRADICTION = "contradiction", "Contradictions"
    LEFT_OVER = "left_over", "Left over from merges"
    NEVER = "never", "Never used"
    ONCE = "once", "Used once"

    @property
    def family(self) -> str:
        """What is no problem in one kind is none in the others of its family either: two names that
        are two things stay so when one of them is renamed, and a rare tag stays a wanted one."""
        if self in TWINS:
            return "twins"
        return "use" if self in (Kind.NEVER, Kind.ONCE) else self.value


# Pairs of which one is to become the other.
TWINS = (Kind.CASE, Kind.SPACING, Kind.ACCENTS, Kind.PLURAL, Kind.SPELLING)


class Finding(models.Model):
    """One row of the clean-up list: a tag, or a pair of which `other` is the one to be kept.

    As of a sweep; what has become of the tags since, `tags.cleanup.present` asks. The database
    deletes it with either tag.
    """

    # A Kind.
    kind = models.CharField(max_length=16)
    tag = models.ForeignKey(
        "tags.Tag", on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    other = models.ForeignKey(
        "tags.Tag", on_delete=models.DO_NOTHING, db_constraint=False, null=True, related_name="+"
    )
    # The names as they were looked at.
    tag_name = models.CharField(max_length=names.MAX_LENGTH, db_collation="C")
    other_name = models.CharField(max_length=names.MAX_LENGTH, default="", db_collation="C")
    # How many links they had, and how many images both, as far as these were counted.
    images = models.BigIntegerField(default=0)
    other_images = models.BigIntegerField(default=0)
    shared = models.BigIntegerField(default=0)
    # Some images with the tag, or with both where that is what is wrong.
    examples: Any = ArrayField(models.BigIntegerField(), default=list)
    # By project: how many of its images have the tag, one of them, and the same of the other.
    projects = models.JSONField(default=dict)
    # The number of the sweep that found it last.
    sweep = models.BigIntegerField()
    found_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        default_permissions = ()
        verbose_name = "clean-up row"
        verbose_name_plural = "clean-up list"
        constraints = [
            models.UniqueConstraint(F("kind"), F("tag"), Coalesce("other", 0), name="finding_once"),
            models.CheckConstraint(condition=~Q(tag=F("other")), name="finding_of_two"),
        ]
        indexes = [
            models.Index(
                F("kind"), F("images").desc(), F("id").desc(), name="finding_largest_first"
            ),
        ]

    def __str__(self) -> str:
        return " / ".join(filter(None, [self.tag_name, self.other_name]))


class SetAside(models.Model):
    """That a tag, or a pair of tags, is not a problem; for good, whatever they come to be named.

    The database deletes it with either tag.
    """

    family = models.CharField(max_length=16)
    # The lower id of a pair first.
    low = models.ForeignKey(
        "tags.Tag", on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    high = models.ForeignKey(
        "tags.Tag", on_delete=models.DO_NOTHING, db_constraint=False, null=True, related_name="+"
    )
    # Whoever said so; plain, because it outlives users.
    user_name = models.CharField(max_length=150)
    at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                F("family"), F("low"), Coalesce("high", 0), name="setaside_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.family}: {self.low_id}, {self.high_id}"


class CleanupSweep(models.Model):
    """One row: the sweep that is under way, or was the last.

    A worker holds it for as long as its lease says. `position` says how far its `step` is done, and
    moves on in the transaction that writes what was found up to there.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    number = models.BigIntegerField(default=0)
    asked_at = models.DateTimeField(null=True)
    began_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    # Into how many parts the vocabulary is cut for it, and the step that it is at.
    parts = models.SmallIntegerField(default=1)
    step = models.SmallIntegerField(default=0)
    position = models.BigIntegerField(default=0)
    # How many rows of each kind there are, those beyond the most that are kept too: of this sweep
    # so far, and of the last that ended.
    counted = models.JSONField(default=dict)
    found = models.JSONField(default=dict)
    lease_owner = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=Q(id=1), name="cleanupsweep_is_one")]

    def __str__(self) -> str:
        return f"sweep {self.number}"
