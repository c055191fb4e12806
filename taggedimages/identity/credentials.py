"""Issue, find and revoke credentials; nothing that is stored lets its reader in."""

import hashlib
import secrets
import uuid
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from taggedimages.identity.encryption import cipher
from taggedimages.identity.models import Project, SigningKey, Token, User
from taggedimages.postgresql.prepared import execute_prepared
from taggedimages.postgresql.routing import read_connection

SIGNING = "signing secrets"
# Asked by each request: the ORM takes longer to write it than the database to answer, and the
# database to plan it.
USER_COLUMNS = [field.attname for field in User._meta.concrete_fields]
FIND_BEARER = f"""
SELECT {", ".join(f"u.{name}" for name in USER_COLUMNS)}, p.number
FROM identity_user u JOIN identity_token t ON t.user_id = u.id
JOIN identity_project p ON p.id = u.project_id
WHERE t.digest = %s AND t.revoked_at IS NULL AND u.is_active
  AND (t.expires_at IS NULL OR t.expires_at > %s)
"""  # noqa: S608 - columns
FIND_SIGNER = f"""
SELECT {", ".join(f"u.{name}" for name in USER_COLUMNS)}, p.number, k.encrypted_secret
FROM identity_user u JOIN identity_signingkey k ON k.user_id = u.id
JOIN identity_project p ON p.id = u.project_id
WHERE k.kind = %s AND k.key_id = %s AND k.revoked_at IS NULL AND u.is_active
"""  # noqa: S608 - columns


@dataclass(frozen=True)
class CredentialSet:
    """One of each credential, in clear; shown once and never stored so."""

    username: str
    user_id: int
    project_id: str
    token: str
    access_key: str
    secret_key: str
    secret_id: str
    secret: str
    # Only where a new one was wanted.
    password: str | None = None

    def as_dict(self) -> dict[str, str | int]:
        """The set as plain data, for printing; without a password that there is not."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@transaction.atomic
def issue(
    username: str,
    project_id: str | None = None,
    *,
    staff: bool = False,
    revoke: bool = False,
    password: bool = False,
) -> CredentialSet:
    """Create what is missing of user and project, then a fresh set of credentials.

    Older sets go on working, unless `revoke` ends them; with `password`, the user gets a new one,
    and an older one ends. A project that is named moves the user
    there; `staff` is only ever granted here, never taken away. Raises ValidationError.
    """
    User._meta.get_field("username").clean(username, None)
    user = User.objects.filter(username=username).first() or User(username=username)
    if project_id is not None or user._state.adding:
        project = Project(id=settings.DEFAULT_PROJECT if project_id is None else project_id)
        project.clean_fields()
        user.project, _ = Project.objects.get_or_create(id=project.id)
    if user._state.adding:
        user.set_unusable_password()
    fresh_password = secrets.token_urlsafe(16) if password else None
    if fresh_password is not None:
        user.set_password(fresh_password)
    user.is_staff = user.is_staff or staff
    user.clean_fields()
    user.save()
    if revoke:
        revoke_all(user)
    return _fresh_set(user, fresh_password)


def revoke_all(user: User) -> None:
    """End every credential of a user at once."""
    now = timezone.now()
    user.tokens.filter(revoked_at=None).update(revoked_at=now)
    user.signing_keys.filter(revoked_at=None).update(revoked_at=now)


def _fresh_set(user: User, password: str | None) -> CredentialSet:
    access_key, secret_key = _issue_signing_key(user, SigningKey.Kind.IMS)
    secret_id, secret = _issue_signing_key(user, SigningKey.Kind.SHARINPIX)
    return CredentialSet(
        username=user.username,
        user_id=user.pk,
        project_id=user.project.pk,
        token=issue_token(user),
        access_key=access_key,
        secret_key=secret_key,
        secret_id=secret_id,
        secret=secret,
        password=password,
    )


def issue_token(user: User, expires_at: datetime | None = None) -> str:
    """A new bearer token of 256 random bits, valid until `expires_at` (for ever when None)."""
    token = secrets.token_urlsafe(32)
    Token.objects.create(user=user, digest=_digest(token), expires_at=expires_at)
    return token


def user_of_token(token: str) -> User | None:
    """Whom a valid token speaks for; None when it is unknown, expired, revoked or its user gone."""
    user, *_ = _found(FIND_BEARER, _digest(token), timezone.now())
    return user


def token_in_force(token: str) -> Token | None:
    """A valid token with its user; None where `user_of_token` has none."""
    valid = Token.objects.filter(digest=_digest(token), revoked_at=None, user__is_active=True)
    unended = valid.exclude(expires_at__lte=timezone.now())
    return unended.select_related("user").first()


def signing_secret(kind: SigningKey.Kind, key_id: str) -> tuple[User, str] | None:
    """The user and the secret in clear of a signing key that is in force, or None."""
    if not (key_id.isascii() and key_id.isprintable()):
        return None
    user, *encrypted = _found(FIND_SIGNER, kind.value, key_id)
    if user is None:
        return None
    try:
        return user, cipher(SIGNING).decrypt(bytes(encrypted[0])).decode()
    except InvalidToken:
        return None


def _found(statement: str, *values: Any) -> tuple[User | None, *tuple[Any, ...]]:
    """The user that a statement finds, if any, and what it selects besides user and project."""
    connection = read_connection()
    with connection.cursor() as cursor:
        execute_prepared(cursor, statement, values)
        row = cursor.fetchone()
    if row is None:
        return (None,)
    user = User.from_db(connection.alias, USER_COLUMNS, row[: len(USER_COLUMNS)])
    number, *besides = row[len(USER_COLUMNS) :]
    vars(user)["number_of_project"] = number
    return user, *besides


def _issue_signing_key(user: User, kind: SigningKey.Kind) -> tuple[str, str]:
    # SharinPix secret ids are uuids in that API's samples; an access key is shorter by custom.
    ims = kind == SigningKey.Kind.IMS
    key_id = secrets.token_hex(10).upper() if ims else str(uuid.uuid4())
    secret = secrets.token_urlsafe(32)
    SigningKey.objects.create(
        user=user,
        kind=kind,
        key_id=key_id,
        encrypted_secret=cipher(SIGNING).encrypt(secret.encode()),
    )
    return key_id, secret


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
