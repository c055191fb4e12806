"""The tag index: bitmaps that count what row by row would take long (docs/tag-index.md).

Nothing here is a source of truth: all of it can be made anew from images and links
(`manage.py tagindex --rebuild`).
"""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

# Images a bitmap covers, by id: 1 KB, which PostgreSQL keeps in the row.
BLOCK = 8192


class BitField(models.Field[str, str]):
    """A bit string of BLOCK bits, as a text of zeros and ones."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return f"bit({BLOCK})"


class Bitmap(models.Model):
    """Which images of one block of ids are in a set: bit n is the image `block * BLOCK + n`.

    A positive set is the tag of this id; the others are in `search.index.terms`. Only sets that are
    heavy have bitmaps, and a block without any of the set has no row.
    """

    pk = models.CompositePrimaryKey("set", "block")
    set = models.BigIntegerField()
    block = models.IntegerField()
    bits = BitField()

    def __str__(self) -> str:
        return f"block {self.block} of set {self.set}"


class ProjectSet(models.Model):
    """A project whose images are a set of the index: `sets.of_project` of this row's id.

    There as soon as all its images are in the bitmaps.
    """

    # No foreign key: a project may go, and nothing is lost by a set without images.
    project_id = models.CharField(max_length=64, unique=True)

    def __str__(self) -> str:
        return f"the set of {self.project_id}"


class SetSize(models.Model):
    """How large a set was when the index last took changes in.

    `links` counts the links of a tag, whoever sees their images. `shown` counts, where the set
    has bitmaps, the images that everybody sees.
    """

    set = models.BigIntegerField(primary_key=True)
    links = models.BigIntegerField(default=0)
    shown = models.BigIntegerField(default=0)
    heavy = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.links} links of {self.set}"


class Unindexed(models.Model):
    """An image that was changed since the index took it in, and the tags it got and lost.

    Written by triggers (migration 0001) in the transaction of the change itself; readers judge
    these images one by one, which keeps what they count exact (`search.executor.counts`).
    """

    image_id = models.BigIntegerField()
    added: Any = ArrayField(models.BigIntegerField(), default=list)
    removed: Any = ArrayField(models.BigIntegerField(), default=list)

    class Meta:
        verbose_name_plural = "unindexed"

    def __str__(self) -> str:
        return f"image {self.image_id}"


class Fold(models.Model):
    """The index took changes in, and bitmaps of these blocks are no longer what they were.

    Numbered by the time, in microseconds since 1970, so that no number comes twice, not even on a
    replica that was promoted before it had all. Only the latest are kept
    (`search.executor.count_cache`).
    """

    id = models.BigIntegerField(primary_key=True)
    blocks: Any = ArrayField(models.IntegerField())

    def __str__(self) -> str:
        return f"{len(self.blocks)} blocks at {self.pk}"


class Rebuild(models.Model):
    """There while the index as a whole is not to be trusted, until the next rebuild."""

    asked_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"asked for {self.asked_at}"
