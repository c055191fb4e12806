"""The image record: what is known of a file, where it is, and who may see it."""

import uuid
from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from images import keys
from taggedimages.identity.models import Project, User, default_project_id

CLOCK_TOLERANCE = timedelta(minutes=1)


class ImageQuerySet(models.QuerySet["Image"]):
    """Reads of images; who may see what is decided here and nowhere else."""

    def current(self) -> Self:
        """Started, and not ended at this moment: ends are judged at request time."""
        return self.filter(
            Q(ended_at=None) | Q(ended_at__gt=Now()),
            # Clocks of several web hosts differ a little; a new image is seen at once all the same.
            created_at__lte=Now() + CLOCK_TOLERANCE,
        )

    def visible_to(self, user: User | AnonymousUser | None) -> Self:
        """Current images that are public, the user's own, or anything current to staff."""
        if not isinstance(user, User):
            return self.current().filter(private=False)
        if user.is_staff:
            return self.current()
        return self.current().filter(Q(private=False) | Q(created_by=user))

    def uploaded(self) -> Self:
        """Those whose file is really in the store."""
        return self.exclude(uploaded_at=None)

    def newest_first(self) -> Self:
        """By creation time, ties broken by id, so that pages never overlap."""
        return self.order_by("-created_at", "-id")


class Image(models.Model):
    """One picture: its record here, its file in the bucket under `key`.

    Empty times are states: no `uploaded_at`, the file has not arrived; no `ended_at`, it is
    current. `ended_at` may lie ahead. `deleted_at` is for good: the file goes too.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    filename = models.CharField(max_length=255)
    name = models.CharField(max_length=256)
    title = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    description = models.TextField(default="", blank=True)
    # Bytes; what the client declared until the object is seen, then what is really there.
    size = models.BigIntegerField(default=0)
    key = models.CharField(max_length=1024, editable=False, db_collation="C")
    private = models.BooleanField(default=False)
    album_id = models.CharField(max_length=255, default="default")
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

    objects = ImageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key"], name="image_key_once"),
            models.CheckConstraint(condition=Q(size__gte=0), name="image_size_not_negative"),
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
            models.Index(
                fields=["check_at"], name="image_to_check", condition=Q(check_at__isnull=False)
            ),
            # What `purge` looks for, among very many that it does not.
            models.Index(
                fields=["created_at"],
                name="image_pending",
                condition=Q(uploaded_at=None, deleted_at=None, upload_error=""),
            ),
            models.Index(
                fields=["trashed_at"],
                name="image_trashed",
                condition=Q(trashed_at__isnull=False, deleted_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.filename} ({self.pk})"

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
    begun_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.parts} parts of {self.image_id}"


class Facts(models.Model):
    """What the file of an image says of itself; there once the file has been inspected."""

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
    color = models.CharField(max_length=7, default="", blank=True)
    sha256 = models.BinaryField(max_length=32)
    md5 = models.BinaryField(max_length=16)
    exif = models.JSONField(default=dict)
    latitude = models.FloatField(null=True)
    longitude = models.FloatField(null=True)
    taken_at = models.DateTimeField(null=True)
    # Why the content can never be read, as "word: explanation"; empty when it was.
    problem = models.CharField(max_length=255, default="", blank=True)
    inspected_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.format} of {self.image_id}"
