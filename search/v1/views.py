"""/v1/search, and how every list of images of /v1 is answered (contract TIM)."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet

from images.models import Image
from images.v1.past import meta
from images.v1.records import records_of
from images.v1.serializers import ImageRecordSerializer
from images.visibility import Viewer
from search.ordering import KeysetPosition
from search.results import SearchResults
from search.v1 import streams
from search.v1.cursors import cursor_at, position_of
from search.v1.parameters import (
    AnyStreamParameters,
    Asked,
    BrowseParameters,
    QueryParameters,
    StreamParameters,
    search_query,
)
from search.v1.serializers import ImageBrowsePageSerializer
from taggedimages.http.rate_limits import limit
from taggedimages.http.reading import read
from taggedimages.identity.rate_limits import Kind
from taggedimages.v1.cursors import LINK_HEADER
from taggedimages.v1.pagination import page_response, read_page
from tags.past.showing import Moment

F = TypeVar("F", bound=Callable[..., Any])


# As bytes: no validator of JSON reads lines, and generated clients hand them out as they come.
LINES = {(200, media_type): OpenApiTypes.BINARY for media_type in streams.MEDIA_TYPES}


def documented(
    operation_id: str, summary: str, conditions: type[QueryParameters]
) -> Callable[[F], F]:
    """Documents an operation that `browse` answers."""
    return extend_schema(
        operation_id=operation_id,
        summary=summary,
        description=(
            f"Whoever rather accepts `{streams.MEDIA_TYPES[0]}`, or another name of NDJSON, than "
            "JSON gets all that is found, a record a line, as from the same path with `.ndjson` "
            "at its end. `limit` is then how many lines there are at most, and may be any number."
        ),
        parameters=[conditions, BrowseParameters, LINK_HEADER],
        responses={(200, streams.JSON): ImageBrowsePageSerializer, **LINES},
    )


def documented_lines(
    operation_id: str, summary: str, conditions: type[QueryParameters]
) -> Callable[[F], F]:
    """Documents an operation that `browse_lines` answers."""
    return extend_schema(
        operation_id=operation_id,
        summary=summary,
        description=(
            "An ImageRecord a line, whatever the Accept header says; that may only choose the name "
            "of the type. A last line that has `code` and `message` instead says that the answer "
            "is not complete."
        ),
        parameters=[conditions, StreamParameters],
        responses=LINES,
    )


class SearchViewSet(GenericViewSet[Image]):
    """Images by their tags."""

    serializer_class = ImageRecordSerializer

    @documented("searchImages", "Find images by tags, newest first", QueryParameters)
    def list(self, request: Request) -> HttpResponseBase:
        return browse(request, search_query(request))

    @documented_lines("searchImageLines", "All images found by tags, as NDJSON", QueryParameters)
    def lines(self, request: Request) -> HttpResponseBase:
        return browse_lines(request, search_query(request))


def browse(request: Request, asked: Asked) -> HttpResponseBase:
    """What a request asks for, in the part and the form that it wants.

    Raises ValidationError, RateExceeded, TooManyStreams.
    """
    if media_type := streams.wanted_type(request, streams.JSON):
        return _lines(request, asked, media_type)
    part = read_page(BrowseParameters, request)
    if part["facets"] and asked.query.as_of is not None:
        raise ValidationError({"facets": ["Does not go with as_of."]})
    after = _place(part, asked)
    found = _found(request, asked, is_expensive=part["facets"] is not None)
    number, limit = part["page"], part["limit"]
    page = found.page(limit, number * limit, after)
    following = cursor_at(page.last, asked.order, asked.query.as_of) if page.last else None
    more = {"facets": {"tags": found.facets()}} if part["facets"] else {}
    implied_for, past = found.viewer if asked.query.implied else None, _moment(found)
    records = records_of(page.records, labels=part["labels"], implied_for=implied_for, past=past)
    return page_response(request, part, records, page.total, following, meta(past), **more)


def browse_lines(request: Request, asked: Asked) -> HttpResponseBase:
    """All that a request asks for as NDJSON.

    Raises ValidationError, RateExceeded, TooManyStreams.
    """
    return _lines(request, asked, streams.wanted_type(request) or streams.MEDIA_TYPES[0])


def _lines(request: Request, asked: Asked, media_type: str) -> HttpResponseBase:
    part = read(AnyStreamParameters, request.query_params)
    if wrong := [name for name in ("page", "facets") if part[name]]:
        raise ValidationError({name: [f"Does not go with {media_type}."] for name in wrong})
    after = _place(part, asked)
    found = _found(request, asked)
    implied_for = found.viewer if asked.query.implied else None
    return streams.streamed(
        request, found, part, after, media_type, implied_for=implied_for, past=_moment(found)
    )


def _place(part: dict[str, Any], asked: Asked) -> KeysetPosition | None:
    cursor = part["cursor"]
    return position_of(cursor, asked.order, asked.query.as_of) if cursor else None


def _moment(found: SearchResults) -> Moment | None:
    """As of when records have their tags; None: now."""
    query = found.query
    if query.as_of is None:
        return None
    return Moment(query.as_of, query.vocabulary_now, found.viewer)


def _found(request: Request, asked: Asked, *, is_expensive: bool = False) -> SearchResults:
    if asked.query.is_expensive or is_expensive:
        limit(request, Kind.SEARCHES)
    return SearchResults(asked.query, Viewer.of(request.user), asked.order)
