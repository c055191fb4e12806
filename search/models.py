"""The tables of the tag index: an inverted index of bitmaps (docs/tag-index.md).

Nothing here is a source of truth: all of it can be made anew from images and links
(`manage.py tagindex --rebuild`). Tables and columns have kept their first names, which SQL uses:
a term is `set` there, dense is `heavy`, and counts are `links` and `shown`.
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
    """Which images of one block of ids have a term: bit n is the image `block * BLOCK + n`.

    A positive term is the tag of this id; the others are in `search.index.terms`. Only dense tags
    have bitmaps, and a block without any image of the term has no row.
    """

    pk = models.CompositePrimaryKey("term", "block")
    term = models.BigIntegerField(db_column="set")
    block = models.IntegerField()
    bits = BitField()

    class Meta:
        db_table = "search_bitmap"
        indexes = [
            # For merges, which look at all terms of a block but tags.
            models.Index(fields=["block"], condition=models.Q(term__lt=0), name="bitmap_own_block")
        ]

    def __str__(self) -> str:
        return f"block {self.block} of term {self.term}"


class ProjectTerm(models.Model):
    """A project whose images are a term of the index: `terms.of_project` of this row's id.

    There as soon as all its images are in the bitmaps.
    """

    # No foreign key: a project may go, and nothing is lost by a term without images.
    project_id = models.CharField(max_length=64, unique=True)

    class Meta:
        db_table = "search_projectset"

    def __str__(self) -> str:
        return f"the term of {self.project_id}"


class FieldValue(models.Model):
    """A value of a field that is a term of the index: `terms.of_value` of this row's id.

    `field` is a number of `search.index.fields.VALUES`. Made by merges, in the transaction in which
    its bitmaps are: whoever asks looks it up in the statement that reads these.
    """

    field = models.SmallIntegerField()
    value = models.CharField(max_length=64)

    class Meta:
        db_table = "search_fieldvalue"
        constraints = [models.UniqueConstraint(fields=["field", "value"], name="fieldvalue_once")]

    def __str__(self) -> str:
        return f"{self.value} of field {self.field}"


class BlockSpan(models.Model):
    """Between which times the images of a block were created: bounds, which may be too wide.

    Of images without an end, as of the last merge.
    """

    block = models.IntegerField(primary_key=True)
    created_min = models.DateTimeField()
    created_max = models.DateTimeField()

    class Meta:
        db_table = "search_blockspan"
        indexes = [models.Index(fields=["created_max"], name="blockspan_newest")]

    def __str__(self) -> str:
        return f"block {self.block}"


class FieldTermsBuilt(models.Model):
    """There once the index has the terms of fields and the spans of blocks, of all images."""

    built_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "search_fieldtermsbuilt"

    def __str__(self) -> str:
        return f"built {self.built_at}"


class TermStats(models.Model):
    """Statistics of a term as of the last merge.

    `link_count` counts the links of a tag, whoever sees their images. `public_count` counts, where
    the term has bitmaps, the images that everybody sees.
    """

    term = models.BigIntegerField(primary_key=True, db_column="set")
    link_count = models.BigIntegerField(default=0, db_column="links")
    public_count = models.BigIntegerField(default=0, db_column="shown")
    has_bitmap = models.BooleanField(default=False, db_column="heavy")

    class Meta:
        db_table = "search_setsize"
        # For facets: tags of many links, dense and sparse ones apart.
        indexes = [models.Index(fields=["has_bitmap", "link_count"], name="setsize_by_links")]

    def __str__(self) -> str:
        return f"{self.link_count} links of term {self.term}"


class PendingChange(models.Model):
    """An image that was changed since the last merge, and the tags it got and lost.

    Written by triggers (docs/triggers.md) in the transaction of the change itself; readers recheck
    these images one by one, which keeps what they count exact (`search.executor.counts`).
    """

    image_id = models.BigIntegerField()
    added: Any = ArrayField(models.BigIntegerField(), default=list)
    removed: Any = ArrayField(models.BigIntegerField(), default=list)

    class Meta:
        db_table = "search_unindexed"

    def __str__(self) -> str:
        return f"image {self.image_id}"


class MergeLog(models.Model):
    """A merge, and the blocks whose bitmaps are no longer what they were before it.

    Numbered by the time, in microseconds since 1970, and some by chance, so that no number comes
    twice, not even on a replica that was promoted before it had all, or in a database that was put
    back. Only the latest are kept
    (`search.executor.count_cache`).
    """

    id = models.BigIntegerField(primary_key=True)
    blocks: Any = ArrayField(models.IntegerField())

    class Meta:
        db_table = "search_fold"

    def __str__(self) -> str:
        return f"{len(self.blocks)} blocks at {self.pk}"


class Rebuild(models.Model):
    """There while the index as a whole is not to be trusted, until the next rebuild."""

    asked_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"asked for {self.asked_at}"
