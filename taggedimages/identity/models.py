"""Projects, users and the credentials that speak for them; what is counted of callers."""

import unicodedata
import uuid
from functools import partial

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Now

from taggedimages.identity import hashing

# Whom records name that nobody made who is known.
ANONYMOUS_NAME = "anonymous"


def default_project_id() -> str:
    """The project of whoever names none; it also owns what anonymous callers make."""
    return str(settings.DEFAULT_PROJECT)


class Project(models.Model):
    """A tenant: `{project_id}` in IMS paths, the organisation of SharinPix.

    The number, which never changes, stands for it in audiences (images.visibility), whose terms in
    the tag index have room for so many.
    """

    id = models.CharField(
        primary_key=True,
        max_length=64,
        validators=[RegexValidator(r"\A[A-Za-z0-9_-]+\Z", "Letters, digits, - and _ only.")],
    )
    number = models.BigIntegerField(
        unique=True,
        editable=False,
        db_default=models.Func(models.Value("identity_project_number"), function="nextval"),
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(number__gte=1, number__lte=200_000),
                name="project_number_in_range",
            )
        ]

    def __str__(self) -> str:
        return self.id


def check_reserved(username: str) -> None:
    """Raise ValidationError for a name that means nobody, in any case or width of letters."""
    plain = unicodedata.normalize("NFKC", username).casefold().strip()
    if plain == ANONYMOUS_NAME:
        raise ValidationError(f"{ANONYMOUS_NAME!r} is what callers without a name are called.")


class User(AbstractUser):
    """Somebody who calls; belongs to one project.

    Triggers (docs/triggers.md) keep the numbers of the other projects in which the user may have
    private images: those left behind, and those for which somebody else has imported some.
    """

    username = models.CharField(
        max_length=150,
        unique=True,
        validators=[UnicodeUsernameValidator(), check_reserved],
        help_text="Letters, digits and @/./+/-/_ only.",
        error_messages={"unique": "A user with that username already exists."},
    )
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="users", default=default_project_id
    )
    other_projects = ArrayField(
        models.BigIntegerField(), default=list, db_default=[], editable=False
    )

    @property
    def project_number(self) -> int:
        """The number of the user's project. One query, unless the user was read with it."""
        known: int | None = self.__dict__.get("number_of_project")
        return self.project.number if known is None else known

    @property
    def account(self) -> str:
        """Whom wrong passwords are counted by, as `identity.rate_limits` has it."""
        return f"account {self.username}"

    def has_password(self, password: str | None) -> bool:
        """Whether this is their password, and they may come in; nothing is counted."""
        return super().check_password(password) and self.is_active

    def check_password(self, raw_password: str | None) -> bool:
        """The same, as Django's forms ask it: wrong ones are counted by account.

        Raises RateExceeded, hashing.Busy.
        """
        return hashing.checked(partial(self.has_password, raw_password), self.account)


class Token(models.Model):
    """A bearer token of any dialect. Only its SHA-256 is kept: 256 random bits need no salt."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"token {self.pk} of {self.user}"


class SigningKey(models.Model):
    """A key id and the secret it signs with, kept encrypted because verifying needs it in full."""

    class Kind(models.TextChoices):
        IMS = "ims", "IMS access key"
        SHARINPIX = "sharinpix", "SharinPix secret"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="signing_keys")
    kind = models.CharField(max_length=16, choices=Kind)
    key_id = models.CharField(max_length=64, unique=True, editable=False)
    encrypted_secret = models.BinaryField(editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.kind} key {self.key_id} of {self.user}"


class Bucket(models.Model):
    """What a caller may still do of one kind (`identity.buckets`). Unlogged."""

    key = models.BinaryField(primary_key=True, max_length=16)
    full_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"full at {self.full_at}"


class Attempts(models.Model):
    """When a caller last tried to log in (`identity.attempts`). Unlogged."""

    key = models.BinaryField(primary_key=True, max_length=16)
    at = ArrayField(models.DateTimeField())

    def __str__(self) -> str:
        return f"{len(self.at)} attempts"


class SignedAnswer(models.Model):
    """What a signed write was answered, while its signature holds (`identity.signed_answers`)."""

    # SHA-256 of the signature.
    key = models.BinaryField(primary_key=True, max_length=32)
    expires_at = models.DateTimeField(db_index=True)
    # 0 as long as the write is being carried out, which nobody else sees.
    status = models.SmallIntegerField(default=0)
    headers = models.JSONField(default=dict)
    # JSON; empty for none.
    body = models.TextField(default="")

    def __str__(self) -> str:
        return f"{self.status} until {self.expires_at}"


class KeptAnswer(models.Model):
    """What a request with an Idempotency-Key was answered (`identity.kept_answers`)."""

    # SHA-256 of the caller, the method, the path and the key.
    scope = models.BinaryField(primary_key=True, max_length=32)
    # SHA-256 of the query string, the content type and the body.
    fingerprint = models.BinaryField(max_length=32)
    # 0 as long as the request is being carried out, by whom `claim` says.
    status = models.SmallIntegerField(default=0)
    claim = models.UUIDField(null=True)
    # Headers and body, compressed and encrypted.
    answer = models.BinaryField(default=b"")
    # When the first presigned URL of the body ends; null where there is none.
    urls_until = models.DateTimeField(null=True)
    # When the answer is forgotten, or the claim may be taken over.
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.status} until {self.expires_at}"


class History(models.Model):
    """One row: which history of the database this is (`taggedimages.postgresql.history`)."""

    id = models.SmallIntegerField(primary_key=True)
    mark = models.UUIDField()
    # When the database was put back to an earlier state, as far as somebody has said so.
    put_back_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"history {self.mark}"
