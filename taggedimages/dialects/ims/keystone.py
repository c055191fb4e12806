"""What OpenStack clients ask first: versions, and a token for a password (contract IMS)."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response

from taggedimages.dialects.ims.authentication import challenge
from taggedimages.dialects.ims.conventions import ImsViewSet
from taggedimages.dialects.ims.schema import documented
from taggedimages.http.fields import StrictCharField
from taggedimages.http.rate_limits import limit
from taggedimages.identity.credentials import issue_token
from taggedimages.identity.models import User
from taggedimages.identity.passwords import user_of_password
from taggedimages.identity.rate_limits import Kind

LIFETIME = timedelta(hours=24)
DOMAIN = {"id": "default", "name": "Default"}


class VersionsSerializer(serializers.Serializer[Any]):
    """The versions of this API."""

    class VersionSerializer(serializers.Serializer[Any]):
        """One version and where it is."""

        class LinkSerializer(serializers.Serializer[Any]):
            """An address."""

            rel = serializers.CharField()
            href = serializers.URLField()

        id = serializers.CharField()
        status = serializers.CharField()
        links = LinkSerializer(many=True)

    versions = VersionSerializer(many=True)


class VersionViewSet(ImsViewSet):
    """The versions of this API, for everybody."""

    authentication_classes = ()
    permission_classes = ()

    @documented(exclude=True)
    def index(self, request: Request) -> Response:
        link = {"rel": "self", "href": request.build_absolute_uri("/v2/")}
        version = {"id": "v2.0", "status": "CURRENT", "links": [link]}
        return Response({"versions": [version]}, status=300)

    @documented(
        summary="The versions of this API",
        operation_id="list_versions",
        responses={300: VersionsSerializer},
        auth=[],
    )
    def without_slash(self, request: Request) -> Response:
        """The same again: clients cut the slash off."""
        return self.index(request)

    @documented(exclude=True)
    def at_root(self, request: Request) -> HttpResponseBase:
        """The same for programs; people are sent to the documentation."""
        if "text/html" in request.headers.get("Accept", ""):
            return HttpResponseRedirect("/docs")
        return self.index(request)


class NamedSerializer(serializers.Serializer[Any]):
    """Something by its id or its name."""

    id = StrictCharField(required=False)
    name = StrictCharField(required=False)


class AuthSerializer(serializers.Serializer[Any]):
    """A user and a password in Keystone's shape. Domains are ignored: there is one."""

    class IdentitySerializer(serializers.Serializer[Any]):
        """Who logs in, and how."""

        class PasswordSerializer(serializers.Serializer[Any]):
            """The user."""

            class UserSerializer(NamedSerializer):
                """By id or name, with the password."""

                password = StrictCharField(trim_whitespace=False)

            user = UserSerializer()

        methods = serializers.ListField(
            child=serializers.ChoiceField(choices=["password"]), min_length=1, max_length=1
        )
        password = PasswordSerializer()

    class ScopeSerializer(serializers.Serializer[Any]):
        """What the token is for: the user's own project, also when nothing is said."""

        project = NamedSerializer(required=False)

    identity = IdentitySerializer()
    scope = ScopeSerializer(required=False)


class TokenRequestSerializer(serializers.Serializer[Any]):
    """`{auth: {identity, scope}}`."""

    auth = AuthSerializer()


class TokenViewSet(ImsViewSet):
    """Tokens for a day."""

    authentication_classes = ()
    permission_classes = ()

    def get_authenticate_header(self, request: Request) -> str:
        return challenge(request)

    @documented(
        summary="Log in with a password; the token comes as X-Subject-Token",
        request=TokenRequestSerializer,
        responses={201: OpenApiTypes.OBJECT},
        auth=[],
    )
    def create(self, request: Request) -> Response:
        limit(request, Kind.LOGINS)
        auth = self.asked(TokenRequestSerializer)["auth"]
        asked = auth["identity"]["password"]["user"]
        user = user_of_password(
            asked["password"],
            username=asked.get("name", ""),
            user_id=asked.get("id", ""),
            request=request,
        )
        project = auth.get("scope", {}).get("project", {})
        if user is None or not set(project.values()) <= {user.project_id}:
            raise AuthenticationFailed("The user, the password or the project is wrong.")
        now = timezone.now()
        token = issue_token(user, expires_at=now + LIFETIME)
        body = {"token": _described(request, user, now)}
        return Response(body, status=201, headers={"X-Subject-Token": token})


def _described(request: Request, user: User, now: datetime) -> dict[str, Any]:
    url = request.build_absolute_uri("/").rstrip("/")
    endpoints = [
        {"id": interface, "interface": interface, "url": url, "region": "main", "region_id": "main"}
        for interface in ("public", "internal", "admin")
    ]
    return {
        "methods": ["password"],
        "user": {
            "id": user.uuid.hex,
            "name": user.username,
            "domain": DOMAIN,
            "password_expires_at": None,
        },
        "project": {"id": user.project_id, "name": user.project_id, "domain": DOMAIN},
        "is_domain": False,
        "roles": [{"id": "member", "name": "member"}],
        "catalog": [{"id": "image", "type": "image", "name": "ims", "endpoints": endpoints}],
        "issued_at": _micros(now),
        "expires_at": _micros(now + LIFETIME),
        "audit_ids": [uuid.uuid4().hex],
    }


def _micros(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%S.%fZ}"
