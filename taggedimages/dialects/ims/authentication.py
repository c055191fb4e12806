"""Who calls IMS, and for which project: tokens, signed requests (contract IMS, authentication)."""

from typing import TYPE_CHECKING

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from taggedimages.dialects.ims import signing
from taggedimages.identity.credentials import user_of_token
from taggedimages.identity.models import User
from taggedimages.identity.signed_answers import Signature

if TYPE_CHECKING:
    from rest_framework.views import APIView


def challenge(request: Request) -> str:
    """Where a token can be had, as OpenStack clients are told."""
    return f'Keystone uri="{request.build_absolute_uri("/v3")}"'


class TokenAuthentication(BaseAuthentication):
    """`X-Auth-Token: <token>`."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        token = request.headers.get("X-Auth-Token")
        if token is None:
            return None
        user = user_of_token(token.strip())
        if user is None:
            raise AuthenticationFailed("The token is unknown, expired or revoked.")
        return user, None

    def authenticate_header(self, request: Request) -> str:
        return challenge(request)


class SignatureAuthentication(BaseAuthentication):
    """`Authorization: SDK-HMAC-SHA256 Access=..., SignedHeaders=..., Signature=...`.

    The Signature is `request.auth`: a write that it signs is carried out once.
    """

    def authenticate(self, request: Request) -> tuple[User, Signature] | None:
        if not request.headers.get("Authorization", "").startswith(signing.SDK_ALGORITHM):
            return None
        try:
            return signing.signer_of(request._request)
        except signing.BadSignature as error:
            raise AuthenticationFailed(str(error)) from error


class OwnProject(BasePermission):
    """Callers are known, and stay in their own project: in the path and in `X-Project-Id`."""

    message = "This project is not yours."

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if not isinstance(request.user, User):
            self.message = "Send X-Auth-Token, or sign the request."
            return False
        own = request.user.project_id
        named = (view.kwargs.get("project_id", own), request.headers.get("X-Project-Id") or own)
        return named == (own, own)
