"""Users told by their password: all that asks for one comes through here, or User.check_password.

That is the admin's login and the login of a dialect, which takes other secrets for a password, too.
"""

import hmac
import uuid
from contextlib import suppress
from functools import partial
from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from django.db.models import Q

from taggedimages.identity import attempts, hashing
from taggedimages.identity.addresses import client_address
from taggedimages.identity.credentials import signing_secret, token_in_force
from taggedimages.identity.models import SigningKey, Token, User
from taggedimages.identity.rate_limits import Kind


class PasswordBackend(ModelBackend):
    """Django's users and permissions; wrong passwords are counted by account and by address.

    An account that is unknown, has no password or is not active is treated as any other: a hash is
    computed, and it is counted.
    """

    def authenticate(
        self,
        request: Any,
        username: str | None = None,
        password: str | None = None,
        **credentials: Any,
    ) -> User | None:
        """Whom name and password speak for. Raises RateExceeded, hashing.Busy."""
        if username is None or password is None:
            return None
        user = User.objects.filter(username=username).first() or User(username=username)
        callers = [user.account]
        if request is not None and (address := client_address(request.META)):
            callers.append(f"address {address}")
        is_right = partial(user.has_password, password)
        return user if hashing.checked(is_right, *callers) else None

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Those of a user and of the groups, which Django reads apart, by one statement; kept with
        the user."""
        if not user_obj.is_active or user_obj.is_anonymous or user_obj.is_superuser or obj:
            return super().get_all_permissions(user_obj, obj)
        if not hasattr(user_obj, "_perm_cache"):
            held = Permission.objects.filter(Q(user=user_obj) | Q(group__user=user_obj))
            rows = held.order_by().values_list("content_type__app_label", "codename")
            user_obj._perm_cache = {f"{app}.{name}" for app, name in rows}
        return set(user_obj._perm_cache)


def user_of_password(
    password: str, *, username: str = "", user_id: str = "", request: Any = None
) -> User | None:
    """Whom a name, or the id or uuid of a user, with this password speaks for; None when wrong.

    It takes as long for a user that is unknown. The request tells the address. Raises RateExceeded,
    hashing.Busy.
    """
    name = username or _username(user_id)
    user = authenticate(request=request, username=name, password=password)
    return user if isinstance(user, User) else None


def user_of_secret_key(key: str, secret_key: str, *, request: Any) -> User | None:
    """Whom an access key, sent with its secret key, speaks for; None when wrong.

    Raises RateExceeded.
    """
    user, known = signing_secret(SigningKey.Kind.IMS, key) or (None, "")
    is_right = hmac.compare_digest(known.encode(), secret_key.encode("utf-8", "surrogatepass"))
    right = user if is_right else None
    _count(right is not None, request, f"access key {key}")
    return right


def token_of(token: str, *, request: Any) -> Token | None:
    """A token that is told, with its user; None when it is not valid. Raises RateExceeded."""
    found = token_in_force(token)
    _count(found is not None, request)
    return found


def _count(is_right: bool, request: Any, *callers: str) -> None:
    """Count a wrong secret as a wrong password, and take none after too many.

    These are of 256 random bits: some at once may be looked at before they are counted.
    """
    callers = (*callers, f"address {client_address(request.META)}")
    for caller in callers:
        attempts.check(Kind.WRONG_PASSWORDS, caller)
    if not is_right:
        for caller in callers:
            attempts.take(Kind.WRONG_PASSWORDS, caller)


def _username(user_id: str) -> str:
    """The name of the user with an id or uuid; for an unknown one, a name that nobody can have.

    It is one of its own, so that wrong passwords of unknown users are counted apart, too.
    """
    known: dict[str, int | uuid.UUID] = {}
    if user_id.isascii() and user_id.isdecimal() and len(user_id) < 19:
        known["pk"] = int(user_id)
    else:
        with suppress(ValueError):
            known["uuid"] = uuid.UUID(user_id)
    found = User.objects.filter(**known).values_list("username", flat=True).first() if known else ""
    # Names have no spaces.
    return found or f"user {next(iter(known.values()), user_id)}"
