"""`Authorization: Token token="<JWT>"` and its relatives (contract SharinPix, authentication)."""

import re

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from taggedimages.dialects.sharinpix import tokens
from taggedimages.dialects.sharinpix.caller import Caller
from taggedimages.identity.models import User

# Token token="JWT", Token token=JWT, Token JWT, Bearer JWT; Rails adds other pairs after a comma.
HEADER = re.compile(
    r'\s*(?:Token|Bearer)\s+(?:token\s*=\s*)?"?([\w.-]+)"?\s*(?:[,;].*)?', re.IGNORECASE | re.ASCII
)


class JWTAuthentication(BaseAuthentication):
    """A valid token gives its user, and the Caller as `request.auth`; a bad one is 401."""

    def authenticate(self, request: Request) -> tuple[User, Caller] | None:
        header = request.headers.get("Authorization", "")
        if header:
            found = HEADER.fullmatch(header)
            token = found[1] if found else ""
        elif "token" in request.query_params:
            token = request.query_params["token"]
        else:
            return None
        caller = tokens.read(token)
        if caller is None:
            raise AuthenticationFailed
        return caller.user, caller

    def authenticate_header(self, request: Request) -> str:
        return "Token"


class HasToken(BasePermission):
    """Every route but the public ones wants a valid token."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.auth, Caller)


class JWTScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document tells of it."""

    target_class = JWTAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": 'Token token="<JWT>", signed HS256 with the secret that `iss` names.',
        }


def caller(request: Request) -> Caller:
    """The caller of a request that HasToken let in."""
    assert isinstance(request.auth, Caller)
    return request.auth


class OpenPage(BasePermission):
    """A route that wants no token, unless anonymous callers are let in nowhere."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return settings.ANONYMOUS != "none" or isinstance(request.auth, Caller)
