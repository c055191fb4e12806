"""Data sets, their releases with all lines, who holds a file, and the keys that sign.

A release is numbered and never changes: what it says of each member is kept here, compressed, and
its digest is over that (contract of releases, `taggedimages.datasets.lines`).
"""

import uuid

from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Now

from search.models import BitField
from taggedimages.datasets.contracts.models import (  # noqa: F401  models of this app
    Contract,
    ContractReport,
    ContractVersion,
)
from taggedimages.datasets.splits.models import SplitHistory, SplitSet  # noqa: F401  likewise
from taggedimages.identity.models import Project, User
from taggedimages.monitoring import request_ids


class Dataset(models.Model):
    """A data set: a name that is quoted, and what all of its releases have in common."""

    # Of [a-z0-9][a-z0-9-]{0,62}, once in the service.
    name = models.CharField(max_length=63, unique=True)
    description = models.TextField(default="", blank=True)
    license = models.CharField(max_length=255, default="", blank=True)
    # By what images belong together, as it was sent: `{"dicom": "PatientID"}` and the like; null
    # where by nothing.
    group = models.JSONField(null=True)
    # 32 random bytes, with which groups are hashed: nobody moves while it stays.
    salt = models.BinaryField(max_length=32, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    author = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    author_name = models.CharField(max_length=150)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        indexes = [models.Index(F("project"), F("id").desc(), name="dataset_of_project")]

    def __str__(self) -> str:
        return self.name


class ReleaseState(models.TextChoices):
    """How far a release has come: building → released or failed, released → retired."""

    BUILDING = "building"
    RELEASED = "released"
    FAILED = "failed"
    RETIRED = "retired"


class Unready(models.TextChoices):
    """What to do about images that cannot be members: without a file that was inspected."""

    REFUSE = "refuse"
    EXCLUDE = "exclude"


class Release(models.Model):
    """One release: what was asked for, and once it is built, what it consists of, for good."""

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="releases")
    number = models.PositiveIntegerField()
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    state = models.CharField(max_length=16, choices=ReleaseState, default=ReleaseState.BUILDING)
    # The conditions as they were sent, and as search understands them (`changes.questions`).
    query = models.JSONField()
    question = models.JSONField()
    # The instant that was asked for; empty: that of the snapshot in which it is built.
    as_of = models.DateTimeField(null=True)
    # As sent; null: no splits.
    splits = models.JSONField(null=True)
    # Names of contracts, and reasons why some of them are waived, by name.
    contracts = models.JSONField(default=list, db_default=Value([], models.JSONField()))
    waive = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))
    unready = models.CharField(max_length=8, choices=Unready, default=Unready.REFUSE)
    # None with the name `anonymous`: whoever came without a login. Otherwise a user who is gone.
    author = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    author_name = models.CharField(max_length=150)
    is_operator = models.BooleanField(default=False)
    through = models.CharField(max_length=64)
    # Of what instant tags, values and names are.
    instant = models.DateTimeField(null=True)
    # `sha256:` and 64 hexadecimal digits.
    digest = models.CharField(max_length=71, default="", blank=True)
    members = models.BigIntegerField(default=0)
    bytes = models.BigIntegerField(default=0)
    erased = models.BigIntegerField(default=0)
    # What is told of splits and contracts, as /v1 shows it: {"splits": …, "contracts": …}.
    report = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))
    # What refused it, where that was found by the worker: as the 422 of a POST tells it.
    refusal = models.JSONField(null=True)
    # What is signed, byte by byte, and the JWS over it (RFC 7515, compact).
    statement = models.TextField(default="", blank=True)
    signature = models.TextField(default="", blank=True)
    attempts = models.IntegerField(default=0)
    # The request that asked for it.
    request_id = models.CharField(  # noqa: DJ001
        max_length=request_ids.MOST, null=True, default=request_ids.current, editable=False
    )
    problem = models.TextField(default="", blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    released_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["dataset", "number"], name="release_number_once")
        ]
        indexes = [
            models.Index(fields=["id"], name="release_building", condition=Q(state="building"))
        ]

    def __str__(self) -> str:
        return f"{self.dataset.name}@{self.number}, {self.state}"


class MemberSet(models.Model):
    """Members of a release in one block of ids: bit n is the image `block * BLOCK + n`.

    Whose bit is set in a release that is not retired, its file is held. Erased ones have none.
    """

    pk = models.CompositePrimaryKey("release_id", "block")
    release = models.ForeignKey(Release, on_delete=models.CASCADE, db_index=False, related_name="+")
    block = models.IntegerField()
    bits = BitField()

    class Meta:
        db_table = "datasets_set"
        indexes = [models.Index(fields=["block"], name="datasets_set_block")]

    def __str__(self) -> str:
        return f"block {self.block} of release {self.release_id}"


class Chunk(models.Model):
    """Up to 10,000 members of a release by their ids, as they are served and hashed."""

    pk = models.CompositePrimaryKey("release_id", "number")
    release = models.ForeignKey(Release, on_delete=models.CASCADE, db_index=False, related_name="+")
    # From 0.
    number = models.IntegerField()
    first_image = models.BigIntegerField()
    last_image = models.BigIntegerField()
    members = models.IntegerField()
    # zlib of the lines, each with a line end; an erased one is `{"id", "leaf", "withheld"}`.
    lines = models.BinaryField()
    # 32 bytes of each member's leaf, and the SHA-256 over 0x01 and these.
    leaves = models.BinaryField()
    digest = models.BinaryField(max_length=32)

    class Meta:
        db_table = "datasets_chunk"

    def __str__(self) -> str:
        return f"chunk {self.number} of release {self.release_id}"


class Erasure(models.Model):
    """An image that was erased for good: that it was, why and by whom, and nothing else of it."""

    # A plain id: the record may go.
    image_id = models.BigIntegerField(unique=True)
    reason = models.TextField()
    author_name = models.CharField(max_length=150)
    at = models.DateTimeField(db_default=Now(), editable=False)
    # Keys of objects that are yet to be removed from the store, and uploads in parts that are to be
    # aborted, as pairs of a key and what the store calls it; emptied with `done_at`.
    keys = models.JSONField(default=list)
    uploads = models.JSONField(default=list)
    # When the worker goes on with it, and until when something may still come to these keys, so
    # that they are looked after once more.
    due_at = models.DateTimeField(db_default=Now())
    last_at = models.DateTimeField(db_default=Now())
    done_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="erasure_due", condition=Q(done_at=None))]

    def __str__(self) -> str:
        return f"image {self.image_id}, erased"


class SigningKey(models.Model):
    """A key pair of Ed25519 that signs statements, or did: public keys are told for ever."""

    # As JWS and JWKS have it.
    kid = models.CharField(max_length=64, unique=True)
    public = models.BinaryField(max_length=32, editable=False)
    # Encrypted as signing secrets are (`taggedimages.identity.encryption`).
    encrypted_private = models.BinaryField(editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    # When the next one took its place.
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(Value(1), name="signing_key_one", condition=Q(retired_at=None))
        ]

    def __str__(self) -> str:
        return self.kid
