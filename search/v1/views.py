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
from images.visibility import Viewer
from search.ordering import KeysetPosition
from search.results import SearchResults
from search.v1 import streams
from search.v1.cursors import cursor_at, position_of
from search.v1.parameters import Asked, BrowseParameters, SearchParameters, search_query
from search.v1.serializers import ImageBrowsePageSerializer
from taggedimages.http.rate_limits import limit
from taggedimages.identity.rate_limits import Kind
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


def browse(request: Request, asked: Asked) -> HttpResponseBase:
    """What a request asks for, in the part and the form that it wants.

    Raises ValidationError, RateExceeded, TooManyStreams.
    """
    part = read_page(BrowseParameters, request)
    after = position_of(part["cursor"], asked.order) if part["cursor"] else None
    if asked.query.is_expensive or part["facets"]:
        limit(request, Kind.SEARCHES)
    found = SearchResults(asked.query, Viewer.of(request.user), asked.order)
    if streams.is_wanted(request):
        return streams.streamed(request, found, after)
    return _page(request, found, asked.order, part, after)


def _page(
    request: Request,
    found: SearchResults,
    order: str,
    part: dict[str, Any],
    after: KeysetPosition | None,
) -> Response:
    number, limit = part["page"], part["limit"]
    page = found.page(limit, number * limit, after)
    following = cursor_at(page.last, order) if page.last else None
    more = {"facets": {"tags": found.facets()}} if part["facets"] else {}
    return page_response(request, part, records_of(page.records), page.total, following, **more)
