"""Session tokens: JWTs that the service itself signs, each to speak for one user."""

import time
import uuid
from typing import Any

import jwt
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from taggedimages.identity.models import User

# Four hours (contract SharinPix, X-token).
LIFETIME_SECONDS = 14_400
MAX_ID = 2**63 - 1


def issue(user: User, **claims: Any) -> str:
    """A token that speaks for a user for four hours; claims can only narrow it."""
    now = int(time.time())
    own = {"user_id": str(user.uuid), "iat": now, "exp": now + LIFETIME_SECONDS}
    return jwt.encode(claims | own, secrets()[0], "HS256")


def secrets() -> list[str]:
    """What session tokens are signed with: the first signs, all verify."""
    return [_derive(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]


def user_of(user_id: object) -> User | None:
    """The active user whom a `user_id` claim names, by integer id or by uuid."""
    active = User.objects.filter(is_active=True).select_related("project")
    if isinstance(user_id, int) and not isinstance(user_id, bool):
        return active.filter(pk=user_id).first() if 0 < user_id <= MAX_ID else None
    if not isinstance(user_id, str):
        return None
    if user_id.isascii() and user_id.isdecimal():
        return user_of(int(user_id[:20]))
    try:
        return active.filter(uuid=uuid.UUID(user_id)).first()
    except ValueError:
        return None


def _derive(secret_key: str) -> str:
    # Its own purpose: these keys never sign or decrypt anything else of the service.
    hkdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"taggedimages session tokens")
    return hkdf.derive(secret_key.encode()).hex()
