"""How Atmosphere logs in, pages and refuses (contract Atmosphere)."""

from collections.abc import Sequence, Set
from typing import Any, TypeVar

from django.conf import settings
from django.db.models import Model
from django.http import HttpResponse, JsonResponse
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import ValidationError
from rest_framework.metadata import SimpleMetadata
from rest_framework.pagination import PageNumberPagination
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView, set_rollback
from rest_framework.viewsets import GenericViewSet

from images.models import Image
from taggedimages.dialects.atmosphere import parameters, references
from taggedimages.dialects.atmosphere.mounts import Mount
from taggedimages.dialects.atmosphere.schema import AtmosphereSchema
from taggedimages.http import caching
from taggedimages.http.errors import first_errors, problem_of
from taggedimages.http.parsers import BoundedJSONParser
from taggedimages.identity.credentials import user_of_token
from taggedimages.identity.models import User
from tags import page_links
from tags.curation import TagNameTaken

M = TypeVar("M", bound=Model)


def respond(status: int, message: str) -> HttpResponse:
    """The answer to a request that never reached a view."""
    return JsonResponse({"detail": message}, status=status)


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer an exception of a view: by field where input is at fault, else `{detail}`."""
    if isinstance(error, TagNameTaken):
        error = ValidationError(str(error))
    problem = problem_of(error)
    if problem is None:
        return None
    set_rollback()
    by_field = isinstance(error, ValidationError)
    body = first_errors(error.detail) if by_field else {"detail": problem.message}  # type: ignore[attr-defined]
    return Response(body, status=problem.status, headers=problem.headers)


class TokenAuthentication(BaseAuthentication):
    """`Authorization: TOKEN <key>`; whatever else is sent counts as anonymous."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        scheme, _, key = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"token":
            return None
        user = user_of_token(key.strip().decode("latin-1"))
        return (user, None) if user else None


class Callers(BasePermission):
    """Anonymous callers read, unless TAGGEDIMAGES_ANONYMOUS is `none`; writes need a login."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        # Without a handler there is nothing to permit: that answers 405 to everybody.
        if isinstance(request.user, User) or getattr(view, "action", "") is None:
            return True
        return request.method in SAFE_METHODS and settings.ANONYMOUS != "none"


class Pages(PageNumberPagination):
    """One-based pages; a page size that makes no sense is the default one."""

    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = 1000

    def get_next_link(self) -> str | None:
        return _without_slash(super().get_next_link())

    def get_previous_link(self) -> str | None:
        return _without_slash(super().get_previous_link())

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        properties = {"count": {"type": "integer", "minimum": 0}, "next": link, "previous": link}
        return {
            "type": "object",
            "required": [*properties, "results"],
            "properties": {**properties, "results": schema},
        }


def _without_slash(link: str | None) -> str | None:
    if link is None:
        return None
    path, question, query = link.partition("?")
    return path.rstrip("/") + question + query


class Outline(SimpleMetadata):
    """What OPTIONS answers; the fields of inputs are in the OpenAPI document."""

    def determine_actions(self, request: Request, view: APIView) -> dict[str, Any]:
        return {}


class AtmosphereViewSet(GenericViewSet[M]):
    """What all views of this API share."""

    authentication_classes = (TokenAuthentication,)
    permission_classes: Sequence[type[BasePermission]] = (Callers,)
    parser_classes = (BoundedJSONParser, FormParser, MultiPartParser)
    pagination_class = Pages
    metadata_class = Outline
    schema = AtmosphereSchema()
    # What of a record is locked for a write.
    locks: tuple[str, ...] = ("self",)

    def get_exception_handler(self) -> Any:
        return handle

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if getattr(self, "action", "") == "list":
            parameters.check(request.query_params, self.narrowing())

    def narrowing(self) -> Set[str]:
        """The names of the filters of the list."""
        filters: Any = getattr(self, "filterset_class", None)
        return filters.base_filters.keys() if filters else frozenset()

    def locked(self, id: str) -> M:
        """The record that a path names, for a write: nobody else's until the transaction ends.

        Raises NotFound.
        """
        records = self.get_queryset().select_for_update(no_key=True, of=self.locks)
        return references.find(records, id)

    def shown(self, record: M) -> Response:
        """The answer to a read of one record. Raises PreconditionFailed."""
        data = self.get_serializer(record).data
        return caching.tagged(self.request, data, caching.entity_tag(data))

    def check_unchanged(self, record: M) -> None:
        """Raises PreconditionFailed where the write is meant for another state of the record."""
        caching.check(self.request, lambda: caching.entity_tag(self.get_serializer(record).data))

    @property
    def mount(self) -> Mount:
        """Where the request came in, which decides the shape of the answer."""
        return Mount(self.request)

    def get_serializer_context(self) -> dict[str, Any]:
        # A page shows the same tags again and again: each is written once.
        return {"mount": self.mount, "user": self.request.user, "tags": {}}

    def rows_with_tags(self, page: Sequence[M], images: Sequence[Image]) -> Any:
        """The rows of a page, which show the tags of these images."""
        linked = page_links.tags([image.pk for image in images])
        context = self.get_serializer_context() | {"linked": linked}
        return self.get_serializer(page, many=True, context=context).data
