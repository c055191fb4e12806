"""The image record: what is known of a file, where it is, and who may see it."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Collate, Now, Upper
from django.db.models.lookups import IsNull
from django.utils import timezone

from images import keys
from images.querysets import ImageQuerySet
from images.visibility import Visibility
from taggedimages.identity.models import Project, User, default_project_id
from taggedimages.monitoring import request_ids
from taggedimages.postgresql.folding import Folded

# Where images are that nobody put into an album.
DEFAULT_ALBUM = "default"
# A fingerprint is found by parts of it (images.likeness).
BANDS, BAND_BITS = 4, 16


class Band(models.Func):
    """One of the parts of 16 bits that a fingerprint is indexed by, as a number."""

    template = "((%(expressions)s >> %(shift)s) & 65535)"
    output_field = models.BigIntegerField()

    def __init__(self, fingerprint: str | models.F, number: int = 0, **extra: Any) -> None:
        super().__init__(fingerprint, **{"shift": number * BAND_BITS, **extra})


class Image(models.Model):
    """One picture: its record here, its file in the bucket under `key`.

    Empty times are states: no `uploaded_at`, the file has not arrived; no `ended_at`, it is
    current. `ended_at` may lie ahead. `deleted_at` is for good: the file goes too.

    Triggers (docs/triggers.md) tell its links and the tag index of every change that these have to
    know, delete its links before it, tell who made a private one, and refuse another
    `registered_at`.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    filename = models.CharField(max_length=255)
    name = models.CharField(max_length=256)
    title = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    description = models.TextField(default="", blank=True)
    # Bytes; what the client declared until the object is seen, then what is really there.
    size = models.BigIntegerField(default=0)
    key = models.CharField(max_length=1024, editable=False, db_collation="C")
    visibility = models.PositiveSmallIntegerField(
        choices=Visibility, default=Visibility.PUBLIC, db_default=0
    )
    # How it is shown; the file itself stays as it came. Crop: all zero is none.
    rotation = models.PositiveSmallIntegerField(default=0)
    crop_x = models.FloatField(default=0)
    crop_y = models.FloatField(default=0)
    crop_w = models.FloatField(default=0)
    crop_h = models.FloatField(default=0)
    album_id = models.CharField(max_length=255, default=DEFAULT_ALBUM)
    project = models.ForeignKey(
        Project,
        on_delete=models.PROTECT,
        related_name="images",
        default=default_project_id,
        db_index=False,
    )
    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="images"
    )
    created_at = models.DateTimeField(default=timezone.now)
    # When the record came, whatever `created_at` says; kept by the database, for good. Empty of
    # those that are older than this column.
    registered_at = models.DateTimeField(null=True, db_default=Now(), editable=False)
    updated_at = models.DateTimeField(auto_now=True)
    uploaded_at = models.DateTimeField(null=True, blank=True, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)
    trashed_at = models.DateTimeField(null=True, blank=True, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Why the file that arrived was not taken, as "word: explanation"; empty when nothing is wrong.
    upload_error = models.CharField(max_length=255, default="", blank=True, editable=False)
    # When the worker looks at the stored object next; empty when nothing is left to be done.
    check_at = models.DateTimeField(null=True, blank=True, editable=False)
    checks = models.PositiveSmallIntegerField(default=0, editable=False)
    # Of a deleted image whose file somebody holds (images.holds): since when it waits for that to
    # end, with an empty `check_at`.
    held_at = models.DateTimeField(null=True, editable=False)
    # When the file was inspected for good, successfully or not; empty while that is to be done.
    processed_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Inspections that were begun.
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    # The request that left the worker something to do; empty once it is done, or nobody asked.
    request_id = models.CharField(  # noqa: DJ001
        max_length=request_ids.MOST, null=True, default=request_ids.current, editable=False
    )

    objects = ImageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key"], name="image_key_once"),
            models.CheckConstraint(condition=Q(size__gte=0), name="image_size_not_negative"),
            models.CheckConstraint(
                condition=Q(visibility__in=[0, 1, 2]), name="image_visibility_known"
            ),
            models.CheckConstraint(
                condition=Q(rotation__in=[0, 90, 180, 270]), name="image_rotation_by_quarters"
            ),
            models.CheckConstraint(condition=~Q(filename=""), name="image_filename_not_empty"),
            models.CheckConstraint(condition=~Q(key=""), name="image_key_not_empty"),
            models.CheckConstraint(
                condition=Q(deleted_at=None) | Q(ended_at__isnull=False),
                name="image_deleted_is_ended",
            ),
            models.CheckConstraint(
                condition=Q(trashed_at=None) | Q(ended_at__isnull=False),
                name="image_trashed_is_ended",
            ),
            models.CheckConstraint(
                condition=Q(uploaded_at=None) | Q(upload_error=""),
                name="image_uploaded_has_no_error",
            ),
        ]
        indexes = [
            models.Index(F("created_at").desc(), F("id").desc(), name="image_newest_first"),
            models.Index(
                F("project"), F("created_at").desc(), F("id").desc(), name="image_of_project"
            ),
            # Albums are of one dialect alone; the others' images are all in the default one.
            models.Index(
                F("project"),
                F("album_id"),
                F("created_at").desc(),
                F("id").desc(),
                name="image_of_album",
                condition=~Q(album_id=DEFAULT_ALBUM),
            ),
            models.Index(
                Upper("album_id"), name="image_album_any_case", condition=~Q(album_id=DEFAULT_ALBUM)
            ),
            models.Index(fields=["name"], name="image_by_name"),
            # What everybody sees, what members of a project and what one user see besides, and what
            # has an end, which alone is judged at request time (images.visibility).
            models.Index(
                F("created_at").desc(),
                F("id").desc(),
                name="image_public",
                condition=Q(visibility=0, ended_at=None),
            ),
            models.Index(
                F("project"),
                F("created_at").desc(),
                F("id").desc(),
                name="image_of_members",
                condition=Q(visibility=1, ended_at=None),
            ),
            models.Index(
                F("created_by"),
                F("created_at").desc(),
                F("id").desc(),
                name="image_private",
                condition=Q(visibility=2, ended_at=None),
            ),
            # Whose private images a project has, for its staff.
            models.Index(
                F("project"),
                F("created_by"),
                name="image_private_of_project",
                condition=Q(visibility=2, ended_at=None),
            ),
            models.Index(
                fields=["ended_at"], name="image_ending", condition=Q(ended_at__isnull=False)
            ),
            # What has no end first (contract Atmosphere, pagination and order).
            models.Index(
                IsNull(F("ended_at"), True).desc(),
                F("created_at").desc(),
                F("id").desc(),
                name="image_unended_first",
            ),
            models.Index(
                fields=["check_at"], name="image_to_check", condition=Q(check_at__isnull=False)
            ),
            models.Index(fields=["id"], name="image_held", condition=Q(held_at__isnull=False)),
            # What `purge` looks for, among very many that it does not.
            models.Index(
                fields=["created_at"],
                name="image_pending",
                condition=Q(uploaded_at=None, deleted_at=None, upload_error=""),
            ),
            # What staff looks after.
            models.Index(
                fields=["project", "id"],
                name="image_refused",
                condition=Q(upload_error__gt="", deleted_at=None),
            ),
            models.Index(
                fields=["trashed_at"],
                name="image_trashed",
                condition=Q(trashed_at__isnull=False, deleted_at=None),
            ),
            # Any part of a filename, in any case (search.lookups).
            GinIndex(OpClass(Folded("filename"), "gin_trgm_ops"), name="image_filename_folded"),
            # The same of names and descriptions (search.executor.substrings).
            GinIndex(OpClass(Folded("name"), "gin_trgm_ops"), name="image_name_folded"),
            GinIndex(
                OpClass(Folded("description"), "gin_trgm_ops"),
                name="image_description_folded",
                condition=~Q(description=""),
            ),
            # Ranges, and orders in either direction (search.ordering).
            models.Index(
                F("uploaded_at").desc(nulls_last=True), F("id").desc(), name="image_last_uploaded"
            ),
            models.Index(fields=["size", "id"], name="image_by_size"),
            models.Index(Collate(Upper("filename"), "C"), F("id"), name="image_by_filename"),
            # What was there at an instant (search.executor.past).
            models.Index(fields=["registered_at"], name="image_registered", include=["id"]),
        ]

    def __str__(self) -> str:
        return f"{self.filename} ({self.pk})"

    @property
    def known_facts(self) -> "Facts | None":
        """The facts, once there are any. One query, unless they were fetched."""
        return getattr(self, "facts", None)

    @property
    def reason(self) -> str:
        """Why the file can never be used, as "word: explanation"; empty when it can."""
        facts = self.known_facts if self.processed_at else None
        return self.upload_error or (facts.problem if facts else "")

    @property
    def state(self) -> str:
        """`pending`, `uploaded` (to be inspected), `ready` or `failed`."""
        if self.reason:
            return "failed"
        if self.uploaded_at is None:
            return "pending"
        return "ready" if self.processed_at else "uploaded"

    @property
    def is_archived(self) -> bool:
        """Whether the object was moved to where no upload URL reaches it."""
        return keys.is_archived(self.key)

    @property
    def upload_expires_at(self) -> datetime:
        """When the last upload URL of this record stops working."""
        return self.created_at + timedelta(seconds=settings.PRESIGNED_SECONDS)


class PartedUpload(models.Model):
    """An upload in parts that is under way; gone once it is completed or aborted."""

    image = models.OneToOneField(
        Image, on_delete=models.CASCADE, primary_key=True, related_name="parted_upload"
    )
    # What the store calls it.
    upload_id = models.TextField()
    parts = models.PositiveSmallIntegerField()
    # Bytes of each part but the last; empty where the client did not say.
    part_size = models.BigIntegerField(null=True)
    begun_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.parts} parts of {self.image_id}"


class UsageDelta(models.Model):
    """By how much the bytes of a project's files changed (images.quotas).

    Written by triggers (docs/triggers.md), while there is one of no project.
    """

    # A project's, without its foreign key: whoever writes an image waits for no one here.
    project_id = models.CharField(max_length=64, db_index=True)
    bytes = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.bytes} of {self.project_id}"


class OrphanSweep(models.Model):
    """How far objects were listed by their minute, to remove those without a record
    (images.orphans); for each of its passes."""

    name = models.CharField(max_length=32, primary_key=True)
    # The keys of all minutes before this one were listed.
    swept_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name}: {self.swept_until}"


class SubjectKey(models.Model):
    """One row with the key of this installation that pseudonyms of patients are made with
    (images.subjects)."""

    id = models.SmallIntegerField(primary_key=True)
    encrypted_key = models.BinaryField(editable=False)

    def __str__(self) -> str:
        return f"key {self.pk}"


class Facts(models.Model):
    """What the file of an image says of itself; there once the file has been inspected.

    Triggers tell the tag index of what changes (docs/triggers.md).
    """

    image = models.OneToOneField(
        Image, on_delete=models.CASCADE, primary_key=True, related_name="facts"
    )
    # Lower case, such as png, jpeg or dicom; empty where the content is no known image.
    format = models.CharField(max_length=16, default="", blank=True)
    media_type = models.CharField(max_length=100, default="application/octet-stream")
    # Pixels as stored, before the orientation is applied; 0 where nothing could be decoded.
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    # EXIF's number, 1 to 8.
    orientation = models.PositiveSmallIntegerField(default=1)
    # #RRGGBB, the average.
    color = models.CharField(max_length=7, default="", blank=True)
    # Empty where the file was too large to be read.
    sha256 = models.BinaryField(max_length=32, null=True)
    md5 = models.BinaryField(max_length=16, null=True)
    exif = models.JSONField(default=dict)
    # Header fields of a DICOM file, by keyword; empty for other formats.
    dicom = models.JSONField(null=True)
    # A pseudonym of the patient of a DICOM file (images.subjects): never shown.
    subject = models.BinaryField(max_length=16, null=True, editable=False)
    # Degrees north and east.
    latitude = models.FloatField(null=True)
    longitude = models.FloatField(null=True)
    taken_at = models.DateTimeField(null=True)
    # Base64.
    thumbhash = models.CharField(max_length=40, default="", blank=True)
    # Perceptual hash, 64 bits; empty where nothing is to be seen (images.likeness).
    fingerprint = models.BigIntegerField(null=True)
    has_previews = models.BooleanField(default=False)
    # Why the content can never be read, as "word: explanation"; empty when it was.
    problem = models.CharField(max_length=255, default="", blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["sha256"], name="facts_sha256"),
            # For what is rare; what is common is soon met among the newest.
            models.Index(fields=["format"], name="facts_format"),
            models.Index(fields=["image"], name="facts_unreadable", condition=Q(problem__gt="")),
            *(
                # With the columns that a search compares, so that it reads nothing but the index.
                models.Index(
                    Band("fingerprint", number),
                    name=f"facts_band_{number}",
                    include=["fingerprint", "image"],
                )
                for number in range(BANDS)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.format} of {self.image_id}"

    @property
    def sha256_hex(self) -> str | None:
        """The SHA-256 of the file in hexadecimal digits."""
        return bytes(self.sha256).hex() if self.sha256 else None

    @property
    def md5_hex(self) -> str | None:
        """The MD5 of the file in hexadecimal digits; S3's entity tag of a single PUT."""
        return bytes(self.md5).hex() if self.md5 else None
