"""Bulk changes: what was asked for, on which images, how far it has come, and what it took away.

The images of a change are frozen when it is planned; applying it goes through them by id and judges
each again. The number of a change is in every line of the ledger that it causes
(`tags.models.TagChange.bulk`).
"""

import uuid

from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Now

from images.visibility import Visibility
from search.models import BitField
from taggedimages.identity.models import Project, User
from taggedimages.monitoring import request_ids


class Kind(models.TextChoices):
    """What brought a change about."""

    RETAG = "retag"
    RECORDS = "records"
    MERGE = "merge"
    RENAME = "rename"
    IMPORT = "import"
    UNDO = "undo"


class State(models.TextChoices):
    """How far a change has come.

    planning → planned → applying → applied; planned → expired or discarded; applying → stopped or
    failed, and both → applying.
    """

    PLANNING = "planning"
    PLANNED = "planned"
    APPLYING = "applying"
    APPLIED = "applied"
    STOPPED = "stopped"
    FAILED = "failed"
    EXPIRED = "expired"
    DISCARDED = "discarded"


class OnDrift(models.TextChoices):
    """What to do where more images match than when the change was planned."""

    SKIP = "skip"
    REFUSE = "refuse"


class Change(models.Model):
    """One bulk change; a state is only ever written with the work that it names.

    Renames are recorded by a trigger (docs/triggers.md), as applied changes of no image.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=16, choices=Kind)
    state = models.CharField(max_length=16, choices=State)
    note = models.TextField(default="", blank=True)
    # As it was sent; null where images are named by something else, such as the change to undo.
    query = models.JSONField(null=True)
    # The same as search understands it (`changes.questions`).
    question = models.JSONField(null=True)
    # The names in the query as ids of the tags that they meant when it was planned.
    query_tags = models.JSONField(default=dict)
    # With the id of each tag, null while it is to be made.
    operation = models.JSONField()
    # Of operation and frozen images: `sha256:` and 64 hexadecimal digits.
    digest = models.CharField(max_length=71, default="", blank=True)
    # Ids of images that were taken out of the plan one by one, in their order: it is never of them.
    excluded = models.JSONField(default=list, db_default=Value([], models.JSONField()))
    # None with the name `anonymous`: whoever came without a login. Otherwise a user who is gone.
    author = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    author_name = models.CharField(max_length=150)
    is_operator = models.BooleanField(default=False)
    through = models.CharField(max_length=64)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    # The change that this one undoes.
    of = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="undos"
    )
    # What applying it would do, as /v1 shows it.
    plan = models.JSONField(null=True)
    # How many images are frozen, and how many of them are done: those up to `position`, by id.
    images = models.BigIntegerField(default=0)
    done = models.BigIntegerField(default=0)
    position = models.BigIntegerField(default=0)
    # How many images each outcome has.
    outcomes = models.JSONField(default=dict)
    on_drift = models.CharField(max_length=8, choices=OnDrift, default=OnDrift.SKIP)
    # How many images came to match between planning and applying.
    drift = models.BigIntegerField(default=0)
    # The worker that is at it, which nobody else is until then.
    lease_owner = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    attempts = models.IntegerField(default=0)
    # The last request that left the worker something to do.
    request_id = models.CharField(  # noqa: DJ001
        max_length=request_ids.MOST, null=True, default=request_ids.current, editable=False
    )
    problem = models.TextField(default="", blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    planned_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    # When it was asked to be applied, by which changes of a project wait for each other.
    queued_at = models.DateTimeField(null=True)
    applied_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(
                F("project"),
                F("queued_at"),
                F("id"),
                name="change_applying",
                condition=Q(state="applying"),
            ),
            models.Index(
                fields=["id"], name="change_planning", condition=Q(state__in=["planning"])
            ),
            models.Index(
                fields=["expires_at"], name="change_expiring", condition=Q(state="planned")
            ),
            # What staff may have to see to.
            models.Index(
                fields=["project", "id"],
                name="change_unsettled",
                condition=Q(state__in=["planning", "planned", "applying", "stopped", "failed"]),
            ),
            models.Index(F("author"), F("id").desc(), name="change_of_author"),
            models.Index(F("project"), F("id").desc(), name="change_of_project"),
        ]

    def __str__(self) -> str:
        return f"change {self.pk}, {self.kind}, {self.state}"


class Outcome(models.IntegerChoices):
    """What became of an image of a change; TARGET is all of them, as they were frozen."""

    TARGET = 0, "target"
    CHANGED = 1, "changed"
    ALREADY = 2, "already"
    CHANGED_SINCE = 3, "changed_since"
    GONE = 4, "gone"
    FORBIDDEN = 5, "forbidden"
    FAILED = 6, "failed"


class ImageSet(models.Model):
    """Images of one outcome in one block of ids: bit n is the image `block * BLOCK + n`.

    A block without any has no row. A million images take 125 KB.
    """

    pk = models.CompositePrimaryKey("change_id", "outcome", "block")
    change = models.ForeignKey(Change, on_delete=models.CASCADE, db_index=False, related_name="+")
    outcome = models.SmallIntegerField(choices=Outcome)
    block = models.IntegerField()
    bits = BitField()

    class Meta:
        db_table = "changes_set"

    def __str__(self) -> str:
        return f"block {self.block} of {self.get_outcome_display()} of change {self.change_id}"


class RemovedLink(models.Model):
    """A link as it was before a change removed it or gave it another value, so that it comes back
    as the same one, at its place in every list."""

    pk = models.CompositePrimaryKey("change_id", "image_id", "tag_id")
    change = models.ForeignKey(Change, on_delete=models.CASCADE, db_index=False, related_name="+")
    # Plain ids: it outlives images, tags and users.
    image_id = models.BigIntegerField()
    tag_id = models.BigIntegerField()
    value = models.CharField(max_length=255)
    link_id = models.BigIntegerField()
    link_uuid = models.UUIDField()
    user_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "changes_removed"

    def __str__(self) -> str:
        return f"{self.tag_id} on {self.image_id}, before change {self.change_id}"


class RecordState(models.Model):
    """Who was shown an image, or when it ended, before a change of records and after it: only the
    one that the change was about."""

    change = models.ForeignKey(Change, on_delete=models.CASCADE, db_index=False, related_name="+")
    # A plain id: it outlives the image.
    image_id = models.BigIntegerField()
    # Empty where it was about the end.
    visibility_before = models.PositiveSmallIntegerField(null=True, choices=Visibility)
    visibility_after = models.PositiveSmallIntegerField(null=True, choices=Visibility)
    ended_before = models.DateTimeField(null=True)
    ended_after = models.DateTimeField(null=True)
    trashed_before = models.DateTimeField(null=True)
    trashed_after = models.DateTimeField(null=True)

    class Meta:
        db_table = "changes_state"
        constraints = [
            models.UniqueConstraint(fields=["change", "image_id"], name="record_state_once")
        ]
        # What other changes have done to it since, by the order of ids.
        indexes = [models.Index(fields=["image_id", "id"], name="record_state_of_image")]

    def __str__(self) -> str:
        return f"image {self.image_id}, before change {self.change_id}"
