"""Who calls, told from the request: Bearer tokens, and what anonymous callers may do."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from taggedimages.identity.authors import Author
from taggedimages.identity.credentials import user_of_token
from taggedimages.identity.models import User

if TYPE_CHECKING:
    from rest_framework.views import APIView


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`; wrong or expired is 401 (contract TIM, authentication)."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        scheme, _, token = get_authorization_header(request).partition(b" ")
        if not scheme:
            return None
        if scheme.lower() != b"bearer":
            raise AuthenticationFailed("This API takes Authorization: Bearer <token>.")
        user = user_of_token(token.strip().decode("latin-1"))
        if user is None:
            raise AuthenticationFailed("The token is unknown, expired or revoked.")
        return user, None

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class AnonymousPolicy(BasePermission):
    """Lets anonymous callers do what TAGGEDIMAGES_ANONYMOUS says: all, read, or nothing."""

    message = "Send Authorization: Bearer <token>."

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if not isinstance(request.user, AnonymousUser) or settings.ANONYMOUS == "open":
            return True
        reads = request.method in SAFE_METHODS or getattr(view, "only_reads", False)
        return settings.ANONYMOUS == "read-only" and reads


def author_of(request: Request | HttpRequest, through: str) -> Author:
    """Sign a change with whoever sent the request."""
    return Author(request.user if isinstance(request.user, User) else None, through)
