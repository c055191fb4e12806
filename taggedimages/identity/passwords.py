"""Users told by their password, as the login of a dialect sends it."""

import uuid
from contextlib import suppress

from django.contrib.auth import authenticate

from taggedimages.identity.models import User


def user_of_password(password: str, *, username: str = "", user_id: str = "") -> User | None:
    """Whom a name, or the id or uuid of a user, with this password speaks for; None when wrong.

    It takes as long for a user that is unknown: a hash is computed then too.
    """
    user = authenticate(username=username or _username(user_id), password=password)
    return user if isinstance(user, User) else None


def _username(user_id: str) -> str:
    users = User.objects.none()
    if user_id.isascii() and user_id.isdecimal() and len(user_id) < 19:
        users = User.objects.filter(pk=int(user_id))
    else:
        with suppress(ValueError):
            users = User.objects.filter(uuid=uuid.UUID(user_id))
    return users.values_list("username", flat=True).first() or ""
