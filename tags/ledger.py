"""The ledgers: every change of a link, and of the vocabulary, for good (tags.history); and what was
blanked in them all the same (tags.redaction)."""

from django.contrib.postgres.indexes import BrinIndex, GinIndex, OpClass
from django.db import models
from django.db.models import Case, F, Q, When
from django.db.models.functions import Now

from taggedimages.postgresql.folding import Folded
from tags import names

# What is shown in place of a name that was redacted (tags.redaction), and is blank in the ledgers.
REDACTED = "[redacted]"


class TagChange(models.Model):
    """One line of the ledger: a link that came, went or changed its value.

    Written by triggers on links (docs/triggers.md), and never updated or deleted, which others
    refuse. It refers to images, tags and users by plain ids and names, because it outlives them.

    All lines of a transaction have one time, that of its first. `bulk` is the change of many images
    that a line belongs to, if any.
    """

    image_id = models.BigIntegerField()
    tag_id = models.BigIntegerField()
    tag_name = models.CharField(max_length=names.MAX_LENGTH, db_collation="C")
    old_value = models.CharField(max_length=255, null=True)  # noqa: DJ001  None: no link before
    new_value = models.CharField(max_length=255, null=True)  # noqa: DJ001  None: no link after
    user_id = models.BigIntegerField(null=True)
    user_name = models.CharField(max_length=150)
    changed_at = models.DateTimeField(db_default=Now())
    through = models.CharField(max_length=64)
    change_id = models.UUIDField()
    bulk = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(F("image_id"), F("id").desc(), name="tagchange_of_image"),
            # For which the lines of single requests pay nothing.
            models.Index(
                fields=["bulk", "image_id", "id"],
                name="tagchange_of_bulk",
                condition=Q(bulk__isnull=False),
            ),
            # What came to a tag and went from it since an instant, and to all tags
            # (search.executor.past).
            models.Index(
                fields=["tag_id", "changed_at"],
                name="tagchange_of_tag",
                include=["image_id"],
                condition=Q(old_value=None) | Q(new_value=None),
            ),
            BrinIndex(
                fields=["changed_at"],
                name="tagchange_by_time",
                pages_per_range=64,
                autosummarize=True,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tag_name} on {self.image_id}: {self.old_value!r} to {self.new_value!r}"

    @property
    def shown_name(self) -> str:
        """The tag's name, or what stands for one that was redacted."""
        return self.tag_name or REDACTED


# The name that a tag had before a line, of those that take one away.
FORMER_NAME = Case(When(kind="renamed", then=F("old_name")), default=F("name"))
GAVE_UP_A_NAME = Q(kind__in=["renamed", "deleted"])


class VocabularyChange(models.Model):
    """One line of the vocabulary's ledger: a tag that came, went or was renamed, or that began or
    ceased to be an alias of another or to imply it, which `other_id` then is.

    Written by triggers on tags (docs/triggers.md) as lines of links are, with the same time and
    signature in the same transaction, and never updated or deleted either. Tags that are older than
    this ledger have no line of their creation. `old_name` is that before a rename.
    """

    at = models.DateTimeField(db_default=Now())
    kind = models.CharField(max_length=16)
    tag_id = models.BigIntegerField()
    other_id = models.BigIntegerField(null=True)
    name = models.CharField(max_length=names.MAX_LENGTH, db_collation="C")
    old_name = models.CharField(max_length=names.MAX_LENGTH, db_default="", db_collation="C")
    user_id = models.BigIntegerField(null=True)
    user_name = models.CharField(max_length=150)
    through = models.CharField(max_length=64)
    change_id = models.UUIDField()
    bulk = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["tag_id", "id"], name="vocabularychange_of_tag"),
            # Of rules, which are few beside tags.
            models.Index(
                fields=["other_id", "tag_id", "at"],
                name="vocabularychange_of_other",
                condition=Q(other_id__isnull=False),
            ),
            # Names that tags have given up: exactly, and by a part of them (tags.past.vocabulary).
            models.Index(
                FORMER_NAME, F("at"), name="vocabularychange_former_name", condition=GAVE_UP_A_NAME
            ),
            GinIndex(
                OpClass(Folded(FORMER_NAME), name="gin_trgm_ops"),
                name="vocabularychange_former_part",
                condition=GAVE_UP_A_NAME,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}"


class Redaction(models.Model):
    """That names or values were blanked in the ledgers: who did it when and why, where, and in how
    many lines. What it was that was blanked it does not say.

    Lines are counted by triggers (docs/triggers.md), without which nothing can be blanked.
    """

    at = models.DateTimeField(db_default=Now())
    user_name = models.CharField(max_length=150)
    reason = models.TextField()
    # `of` is `name`, `names of a tag` or `value`; `tag_id` and `image_id` where it was of these.
    what = models.JSONField()
    lines = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.lines} lines: {self.reason}"
