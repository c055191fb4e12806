"""Keystone's part of the work: tokens, and what a token is for (contract IMS; Keystone's v3 API).

An application credential is an access key with its secret key. A token speaks for its user in the
user's one project, scoped or not.
"""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from taggedimages.dialects.ims.authentication import challenge
from taggedimages.dialects.ims.conventions import ImsViewSet
from taggedimages.dialects.ims.keystone_inputs import TokenRequestSerializer
from taggedimages.dialects.ims.schema import documented
from taggedimages.http.rate_limits import limit
from taggedimages.identity.credentials import issue_token
from taggedimages.identity.models import User
from taggedimages.identity.passwords import token_of, user_of_password, user_of_secret_key
from taggedimages.identity.rate_limits import Kind

LIFETIME = timedelta(hours=24)
# What tokens without an end are said to end at: clients want a time.
NEVER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
DOMAIN = {"id": "default", "name": "Default"}
SUBJECT = OpenApiParameter(
    "X-Subject-Token", location=OpenApiParameter.HEADER, required=True, description="Asked about."
)


class TokenViewSet(ImsViewSet):
    """Tokens for a day."""

    # Nobody is asked who they are in order to log in.
    authentication_classes = ()
    permission_classes = ()

    def get_authenticators(self) -> list[BaseAuthentication]:
        asked = () if self._logs_in else ImsViewSet.authentication_classes
        return [one() for one in asked]

    def get_permissions(self) -> list[Any]:
        asked = () if self._logs_in else ImsViewSet.permission_classes
        return [one() for one in asked]

    def get_authenticate_header(self, request: Request) -> str:
        return challenge(request)

    @property
    def _logs_in(self) -> bool:
        # The generator of the document makes views without a request first.
        return getattr(self.request, "method", "POST") == "POST"

    @documented(
        summary="Log in: by password, token or application credential",
        description="The token comes as X-Subject-Token. An application credential is an access "
        "key (`id` or `name`) with its secret key.",
        request=TokenRequestSerializer,
        responses={201: OpenApiTypes.OBJECT},
        auth=[],
    )
    def create(self, request: Request) -> Response:
        limit(request, Kind.LOGINS)
        auth = self.asked(TokenRequestSerializer)["auth"]
        identity, scope = auth["identity"], auth.get("scope") or {}
        now = timezone.now()
        user, ends_at = _who(request, identity["methods"][0], identity)
        expires_at = min(now + LIFETIME, ends_at or NEVER)
        if user is None or not _is_own(scope, user):
            raise AuthenticationFailed("The user, the password or the project is wrong.")
        token = issue_token(user, expires_at=expires_at)
        told = _described(request, user, identity["methods"], now, expires_at)
        if scope == "unscoped":
            told = {name: told[name] for name in told if name not in OF_A_SCOPE}
        return Response({"token": told}, status=201, headers={"X-Subject-Token": token})

    @documented(
        summary="Whose a token is, and until when",
        parameters=[
            SUBJECT,
            OpenApiParameter("nocatalog", description="Given: without the catalogue."),
        ],
        responses={200: OpenApiTypes.OBJECT},
    )
    def validate(self, request: Request) -> Response:
        subject = request.headers.get("X-Subject-Token", "").strip()
        if not subject:
            raise ValidationError("X-Subject-Token is needed.")
        token = token_of(subject, request=request)
        if token is None:
            raise NotFound("There is no such token.")
        told = _described(request, token.user, ["token"], token.created_at, token.expires_at)
        if "nocatalog" in request.query_params:
            del told["catalog"]
        return Response({"token": told}, headers={"X-Subject-Token": subject})


class ScopeViewSet(ImsViewSet):
    """What a token is good for."""

    @documented(summary="Where the services are", responses={200: OpenApiTypes.OBJECT})
    def catalog(self, request: Request) -> Response:
        return Response({"catalog": _catalog(request), "links": _links(request)})

    @documented(summary="The caller's project", responses={200: OpenApiTypes.OBJECT})
    def projects(self, request: Request) -> Response:
        given = request.query_params
        own = _project(request, self.caller)
        fits = all(_text(own.get(name)) == value for name, value in given.items())
        return Response({"projects": [own] if fits else [], "links": _links(request)})

    @documented(summary="The caller's project by its id", responses={200: OpenApiTypes.OBJECT})
    def project(self, request: Request, project_id: str) -> Response:
        return Response({"project": _project(request, self.caller)})


# What only a token for a project tells.
OF_A_SCOPE = {"project", "is_domain", "roles", "catalog"}


def _who(
    request: Request, method: str, identity: dict[str, Any]
) -> tuple[User | None, datetime | None]:
    """Whom the login speaks for, and when what it holds ends. Raises RateExceeded, Busy."""
    asked = identity[method]
    if method == "token":
        token = token_of(asked["id"], request=request)
        return (token.user, token.expires_at) if token else (None, None)
    named = asked["user"] if method == "password" else asked.get("user", {})
    if method == "password":
        user = user_of_password(
            named["password"],
            username=named.get("name", ""),
            user_id=named.get("id", ""),
            request=request,
        )
        return user, None
    key = asked.get("id") or asked["name"]
    holder = user_of_secret_key(key, asked["secret"], request=request)
    if holder is None or not _is_called(holder, named):
        return None, None
    return holder, None


def _is_called(user: User, named: dict[str, Any]) -> bool:
    ids = {str(user.pk), str(user.uuid), user.uuid.hex}
    return named.get("name", user.username) == user.username and named.get("id", "") in {"", *ids}


def _is_own(scope: Any, user: User) -> bool:
    """Whether a scope is the user's project, or none; nobody has a role on anything else."""
    if scope == "unscoped":
        return True
    return scope.keys() <= {"project"} and set(scope.get("project", {}).values()) <= {
        user.project_id
    }


def _described(
    request: Request, user: User, methods: list[str], issued_at: datetime, ends_at: datetime | None
) -> dict[str, Any]:
    return {
        "methods": methods,
        "user": {
            "id": user.uuid.hex,
            "name": user.username,
            "domain": DOMAIN,
            "password_expires_at": None,
        },
        "project": {"id": user.project_id, "name": user.project_id, "domain": DOMAIN},
        "is_domain": False,
        "roles": [{"id": "member", "name": "member"}],
        "catalog": _catalog(request),
        "issued_at": _micros(issued_at),
        "expires_at": _micros(ends_at or NEVER),
        "audit_ids": [uuid.uuid4().hex],
    }


def _catalog(request: Request) -> list[dict[str, Any]]:
    root = request.build_absolute_uri("/").rstrip("/")
    services = (("image", "ims", root), ("identity", "keystone", f"{root}/v3"))
    return [
        {
            "id": kind,
            "type": kind,
            "name": name,
            "endpoints": [
                {
                    "id": f"{kind}-{interface}",
                    "interface": interface,
                    "url": url,
                    "region": "main",
                    "region_id": "main",
                }
                for interface in ("public", "internal", "admin")
            ],
        }
        for kind, name, url in services
    ]


def _project(request: Request, user: User) -> dict[str, Any]:
    own = user.project_id
    return {
        "id": own,
        "name": own,
        "domain_id": DOMAIN["id"],
        "enabled": True,
        "is_domain": False,
        "links": {"self": request.build_absolute_uri(f"/v3/projects/{own}")},
    }


def _links(request: Request) -> dict[str, Any]:
    return {"self": request.build_absolute_uri(), "next": None, "previous": None}


def _text(value: Any) -> str | None:
    """A property as a parameter has it."""
    return str(value).lower() if isinstance(value, bool) else value


def _micros(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
