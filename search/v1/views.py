"""/v1/search, and how every list of images of /v1 is answered (contract TIM)."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.http import HttpResponseBase
from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from images.models import Image
from images.v1.serializers import ImageRecordSerializer, records_of
from search import results
from search.executor import facets
from search.ordering import Position
from search.query import Query
from search.v1 import streams
from search.v1.cursors import cursor_at, position_of
from search.v1.parameters import BrowseParameters, SearchParameters, search_query
from search.v1.serializers import ImageBrowsePageSerializer
from taggedimages.v1.cursors import LINK_HEADER
from taggedimages.v1.pagination import page_response, read_page

F = TypeVar("F", bound=Callable[..., Any])


def documented(summary: str, parameters: type[BrowseParameters]) -> Callable[[F], F]:
    """Documents an operation that `browse` answers."""
    one = forced_singular_serializer(ImageRecordSerializer)  # type: ignore[no-untyped-call]
    lines = OpenApiResponse(one, "All that is found, a record a line.")
    return extend_schema(
        summary=summary,
        description=(
            f"With `Accept: {streams.NDJSON}`: all that is found, a record a line, from "
            "`cursor` on if there is one, and without `limit`, `page` and `facets`. A last line "
            "that has `code` and `message` instead says that the answer is not complete."
        ),
        parameters=[parameters, LINK_HEADER],
        responses={
            (200, "application/json"): ImageBrowsePageSerializer,
            (200, streams.NDJSON): lines,
        },
    )


class SearchViewSet(GenericViewSet[Image]):
    """Images by their tags."""

    serializer_class = ImageRecordSerializer

    @documented("Find images by tags, newest first", SearchParameters)
    def list(self, request: Request) -> HttpResponseBase:
        return browse(request, search_query(request))


def browse(request: Request, query: Query) -> HttpResponseBase:
    """What a query finds, in the part and the form that the request asks for.

    Raises ValidationError, TooManyStreams.
    """
    asked = read_page(BrowseParameters, request)
    after = position_of(asked["cursor"], query.order) if asked["cursor"] else None
    if streams.is_wanted(request):
        return streams.streamed(request, query, after)
    return _page(request, query, asked, after)


def _page(
    request: Request, query: Query, asked: dict[str, Any], after: Position | None
) -> Response:
    number, limit = asked["page"], asked["limit"]
    found = results.page(query, request.user, limit, number * limit, after)
    following = cursor_at(found.last, query.order) if found.last else None
    more = {"facets": {"tags": facets.tags(query, request.user)}} if asked["facets"] else {}
    return page_response(request, asked, records_of(found.records), found.total, following, **more)
