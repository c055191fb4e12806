"""/v1/search, and how every list of images of /v1 is answered (contract TIM)."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.http import HttpResponseBase
from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from images.models import Image
from images.v1.serializers import ImageRecordSerializer, records_of
from images.visibility import Viewer
from search.ordering import KeysetPosition
from search.results import SearchResults
from search.v1 import streams
from search.v1.cursors import BadCursor, cursor_at, position_of
from search.v1.parameters import Asked, BrowseParameters, SearchParameters, search_query
from search.v1.serializers import ImageBrowsePageSerializer
from taggedimages.http.reading import read
from taggedimages.v1.pagination import page_of

F = TypeVar("F", bound=Callable[..., Any])

# Characters of a link. Proxies bound headers: one that they refuse would cost the whole answer.
MAX_LINK = 2_000
LINK = OpenApiParameter(
    "Link",
    location=OpenApiParameter.HEADER,
    response=[200],
    description='Where there is more: the next page, by cursor, as `<URL>; rel="next"`.',
)


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
        parameters=[parameters, LINK],
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

    Raises ValidationError, TooManyStreams.
    """
    part = read(BrowseParameters, request.query_params)
    if part["cursor"] is not None and "page" in request.query_params:
        raise serializers.ValidationError({"cursor": ["Does not go with page."]})
    after = _position(part["cursor"], asked.order)
    found = SearchResults(asked.query, Viewer.of(request.user), asked.order)
    if streams.is_wanted(request):
        return streams.streamed(request, found, after)
    return _page(request, found, asked.order, part, after)


def _position(cursor: str | None, order: str) -> KeysetPosition | None:
    try:
        return position_of(cursor, order) if cursor else None
    except BadCursor as error:
        problem = f"Not a cursor of the order {order}."
        raise serializers.ValidationError({"cursor": [problem]}) from error


def _page(
    request: Request,
    found: SearchResults,
    order: str,
    part: dict[str, Any],
    after: KeysetPosition | None,
) -> Response:
    number, limit = part["page"], part["limit"]
    page = found.page(limit, number * limit, after)
    answer = page_of(records_of(page.records), number, limit, page.total)
    following = cursor_at(page.last, order) if page.last else None
    if part["cursor"] is not None:
        answer["meta"] |= {"has_more_pages": bool(following), "next_cursor": following}
    if part["facets"]:
        answer["facets"] = {"tags": found.facets()}
    return Response(answer, headers=_link(request, following) if following else None)


def _link(request: Request, cursor: str) -> dict[str, str]:
    parameters = request.query_params.copy()
    parameters.pop("page", None)
    parameters["cursor"] = cursor
    url = request.build_absolute_uri(f"{request.path}?{parameters.urlencode()}")
    return {"Link": f'<{url}>; rel="next"'} if len(url) <= MAX_LINK else {}
