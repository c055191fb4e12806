"""Tags, their links to images, and the ledger of every change of a link."""

import uuid
from typing import Any, Self

from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now

from images.models import Image
from images.visibility import CLOCK_TOLERANCE, Viewer
from taggedimages.identity.models import User
from taggedimages.postgresql.folding import Folded
from tags import colours, names
from tags.cleanup.models import CleanupSweep, Finding, SetAside  # noqa: F401  models of this app

# By these names all others know them.
from tags.ledger import Redaction as Redaction
from tags.ledger import TagChange as TagChange
from tags.ledger import VocabularyChange as VocabularyChange
from tags.shown import IsShown, has_few_images, on_images, positional
from tags.statistics_models import StatisticsProgress, TagStatistics  # noqa: F401  likewise
from tags.tag_sets import TagSet  # noqa: F401  a model of this app


class TagQuerySet(models.QuerySet["Tag"]):
    """Reads of the vocabulary."""

    def shown_to(self, viewer: Viewer) -> Self:
        """Those that a viewer is shown (tags.shown), by their exact names."""
        return self if viewer.sees_all else self.filter(IsShown(F("pk"), viewer))

    def all_shown_to(self, viewer: Viewer) -> Self:
        """The same for lists of them: of a project with few images, by the links of these.

        Takes a query of a project.
        """
        if viewer.project is None or not has_few_images(viewer):
            return self.shown_to(viewer)
        return self.filter(pk__in=RawSQL(*positional(on_images(viewer))))  # noqa: S611

    def targets_shown_to(self, viewer: Viewer) -> Self:
        """Those that are no alias, and that a viewer who goes by aliases is shown."""
        targets = self.filter(alias_of=None)
        if viewer.sees_all:
            return targets
        return targets.filter(IsShown(F("pk"), viewer, aliased=True))

    def alphabetical(self) -> Self:
        """By folded name, then exact name; both columns collate by code point everywhere."""
        return self.order_by("folded", "name")


class Tag(models.Model):
    """A name that images can carry; unique exactly, so that `Knee` and `knee` are two.

    One that is an alias stands for another tag, its target, which is none (tags.vocabulary); links
    may go on having it, and count as the target's wherever aliases are gone by.

    Triggers (docs/triggers.md) delete its links and implications before it, count tags, give the
    vocabulary another version when it is renamed or becomes an alias, and keep the Closure.
    """

    class Status(models.TextChoices):
        """How it may be used: freely, on no further images, or by staff alone."""

        ACTIVE = "active"
        DEPRECATED = "deprecated"
        LOCKED = "locked"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=names.MAX_LENGTH, db_collation="C")
    # Kept beside the name because PostgreSQL's folding depends on the database's collation.
    folded = models.TextField(editable=False, db_collation="C")
    description = models.TextField(default="", blank=True)
    label_en = models.CharField(max_length=255, default="", blank=True)
    label_fr = models.CharField(max_length=255, default="", blank=True)
    color = models.CharField(max_length=7, default=colours.pick, validators=[colours.validate])
    public = models.BooleanField(default=False)
    listed = models.BooleanField(default=True)
    visible = models.BooleanField(default=False)
    allow_download = models.BooleanField(default=False)
    user = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="own_tags"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    # Everybody was shown it while an image had it, or it was made for itself: without an image it
    # is everybody's to see (tags.shown). False of what was made in tagging an image.
    told = models.BooleanField(default=True, db_default=True, editable=False)
    # The database deletes aliases with their target (migration 0020).
    alias_of = models.ForeignKey(
        "self",
        on_delete=models.DO_NOTHING,
        null=True,
        blank=True,
        editable=False,
        db_index=False,
        db_constraint=False,
        related_name="aliases",
    )
    # What `told` was before it became an alias, and is again afterwards.
    was_told = models.BooleanField(default=False, db_default=False, editable=False)
    status = models.CharField(
        max_length=16, choices=Status.choices, default=Status.ACTIVE, db_default=Status.ACTIVE.value
    )
    # What kind of thing it names, in the curators' words.
    category = models.CharField(max_length=64, default="", db_default="", blank=True)
    images = models.ManyToManyField(Image, through="ImageTag", related_name="tags")

    objects = TagQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name"], name="tag_name_once"),
            models.CheckConstraint(condition=~models.Q(name=""), name="tag_name_not_empty"),
            models.CheckConstraint(
                condition=models.Q(color__regex=colours.PATTERN), name="tag_color_is_one"
            ),
            models.CheckConstraint(condition=~Q(alias_of=F("pk")), name="tag_alias_of_another"),
            models.CheckConstraint(
                condition=Q(status__in=["active", "deprecated", "locked"]),
                name="tag_status_is_one",
            ),
        ]
        indexes = [
            # With ids, so that tags are listed and patterns looked up without reading the table.
            models.Index(fields=["folded", "name"], include=["id"], name="tag_by_name"),
            models.Index(fields=["created_at", "id"], name="tag_oldest_first"),
            # Patterns that do not tell how a name begins.
            GinIndex(fields=["folded"], opclasses=["gin_trgm_ops"], name="tag_folded_part"),
            # Most tags have no description, and pay nothing.
            GinIndex(
                OpClass(Folded("description"), "gin_trgm_ops"),
                name="tag_description_folded",
                condition=~Q(description=""),
            ),
            # The aliases of a target, and all that are aliases, which are few.
            models.Index(
                fields=["alias_of", "id"],
                name="tag_by_target",
                condition=Q(alias_of__isnull=False),
            ),
            # Lists of curators, for which most tags pay nothing.
            models.Index(
                fields=["category", "folded", "name"],
                name="tag_by_category",
                condition=~Q(category=""),
            ),
            models.Index(
                fields=["status", "folded", "name"],
                name="tag_by_status",
                condition=~Q(status="active"),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.folded = names.folded(self.name)
        super().save(*args, **kwargs)


class Implication(models.Model):
    """That a tag implies another: an image with the child is found by the parent, too, if asked.

    One of an alias counts as its target's. Nothing of it is stored on images. Triggers
    (docs/triggers.md) keep the Closure, and delete it with either tag.
    """

    child = models.ForeignKey(
        Tag, on_delete=models.DO_NOTHING, db_index=False, related_name="implications"
    )
    parent = models.ForeignKey(
        Tag, on_delete=models.DO_NOTHING, db_index=False, related_name="implied_by"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["child", "parent"], name="implication_once"),
            models.CheckConstraint(condition=~Q(child=F("parent")), name="implication_of_another"),
        ]
        indexes = [models.Index(fields=["parent", "child"], name="implication_by_parent")]

    def __str__(self) -> str:
        return f"{self.child_id} implies {self.parent_id}"


class Closure(models.Model):
    """What a tag that is no alias stands for besides itself: its aliases, what implies it by any
    number of steps, and the aliases of these.

    Written by triggers alone (docs/triggers.md), in the transaction of the change; the database
    deletes rows with either tag.
    """

    pk = models.CompositePrimaryKey("ancestor_id", "descendant_id")
    ancestor = models.ForeignKey(
        Tag, on_delete=models.DO_NOTHING, db_index=False, db_constraint=False, related_name="+"
    )
    descendant = models.ForeignKey(
        Tag, on_delete=models.DO_NOTHING, db_index=False, db_constraint=False, related_name="+"
    )

    class Meta:
        indexes = [models.Index(fields=["descendant", "ancestor"], name="closure_upwards")]

    def __str__(self) -> str:
        return f"{self.ancestor_id} stands for {self.descendant_id}"


class ImageTagQuerySet(models.QuerySet["ImageTag"]):
    """Reads of links."""

    def visible_to(self, user: User | AnonymousUser | None) -> Self:
        """Those of the images that `ImageQuerySet.visible_to` shows, told by the links alone."""
        unended = Viewer.of(user).unended_link_q()
        created = Q(image_created_at__lte=Now() + CLOCK_TOLERANCE)
        ending = Image.objects.visible_to(user).filter(ended_at__gt=Now())
        return self.filter((unended & created) | Q(audience=None, image__in=ending))


class ImageTag(models.Model):
    """The link between an image and a tag, with IMS's value; at most one of each pair.

    Triggers (docs/triggers.md) write each change into the ledger, tell the tag index and the
    counters of it, and keep the image's time and audience here. TRUNCATE is refused.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # The database cascades (docs/triggers.md), so that deleting costs no rows in memory and
    # plain SQL is recorded too.
    image = models.ForeignKey(Image, on_delete=models.DO_NOTHING, db_index=False)
    tag = models.ForeignKey(Tag, on_delete=models.DO_NOTHING, db_index=False)
    value = models.CharField(max_length=255, default="", blank=True)
    # Without an index: nothing reads links by user, and there are many of them.
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, db_index=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    # The image's, which the database keeps here too (docs/triggers.md): when it was created, and
    # whom it is shown to (images.visibility).
    image_created_at = models.DateTimeField(null=True, editable=False)
    audience = models.BigIntegerField(null=True, editable=False)

    objects = ImageTagQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["image", "tag"], name="imagetag_once"),
            models.CheckConstraint(
                condition=Q(image_created_at__isnull=False), name="imagetag_described"
            ),
        ]
        indexes = [
            # The images with a tag in the order of every list, for one audience at a time.
            models.Index(
                F("tag"),
                F("audience"),
                F("image_created_at").desc(),
                F("image").desc(),
                name="imagetag_walk",
            ),
            # The same of one value, for which only links that have one pay.
            models.Index(
                F("tag"),
                F("value"),
                F("image_created_at").desc(),
                F("image").desc(),
                name="imagetag_valued",
                include=["audience"],
                condition=~Q(value=""),
            ),
            models.Index(fields=["created_at", "id"], name="imagetag_oldest_first"),
        ]

    def __str__(self) -> str:
        return f"{self.tag_id} on {self.image_id}"


class AudienceTag(models.Model):
    """A tag that an audience is shown, with its name, so that lists read nothing else.

    An audience of images (images.visibility) is shown the tags of its images, those that lie ahead
    included. EVERYBODY besides: those that no image has, if `told`. A user is the audience of the
    user's id (of a project with number 0, which there is none of), shown what that user made. The
    audience -1 nobody belongs to: it says that images with an end have the tag.

    Written by triggers (docs/triggers.md) in the transaction of the change of a link or tag; the
    rows of users by `tags.shown` itself.
    """

    pk = models.CompositePrimaryKey("audience", "tag_id")
    audience = models.BigIntegerField()
    # The database cascades.
    tag = models.ForeignKey(
        Tag, on_delete=models.DO_NOTHING, db_index=False, db_constraint=False, related_name="+"
    )
    folded = models.TextField(editable=False, db_collation="C")
    name = models.CharField(max_length=names.MAX_LENGTH, editable=False, db_collation="C")

    class Meta:
        indexes = [
            # Alphabetical order, as of tags.
            models.Index(
                fields=["audience", "folded", "name"], include=["tag"], name="audiencetag_by_name"
            ),
            models.Index(fields=["tag"], name="audiencetag_of_tag"),
        ]

    def __str__(self) -> str:
        return f"{self.name} for {self.audience}"


class TagNamesVersion(models.Model):
    """One row with a random number, another one whenever a tag is renamed.

    A trigger (docs/triggers.md) sees to that; `tags.name_cache` says what it is good for.
    """

    id = models.SmallIntegerField(primary_key=True)
    version = models.BigIntegerField()

    class Meta:
        db_table = "tags_vocabulary"

    def __str__(self) -> str:
        return f"version {self.version}"


class CounterDelta(models.Model):
    """A change of how many there are of something; how many there are now is the sum of them all.

    `of` is the counter: of all tags, or of the links that an audience is shown (`tags.counters`).
    Links that everybody is shown are counted for each `block` of their ids; other rows have none.
    Written by triggers (docs/triggers.md) in the transaction of the change itself; compacted by the
    worker.
    """

    of = models.BigIntegerField()
    change = models.BigIntegerField()
    block = models.BigIntegerField(null=True, editable=False)

    class Meta:
        # Of when searches kept them.
        db_table = "search_tally"

    def __str__(self) -> str:
        return f"{self.change:+} of {self.of}"
