"""The ledgers: every change of a link, and of the vocabulary, for good (tags.history)."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from tags import names


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
        ]

    def __str__(self) -> str:
        return f"{self.tag_name} on {self.image_id}: {self.old_value!r} to {self.new_value!r}"


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
        indexes = [models.Index(fields=["tag_id", "id"], name="vocabularychange_of_tag")]

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}"
