"""Pages with exact totals: by number from 0 (contract TIM, query parameters), or by cursor."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

from rest_framework import serializers
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response

from taggedimages.http.fields import QueryIntegerField, QueryValue
from taggedimages.http.reading import Reader, read
from taggedimages.v1.cursors import next_link


class PageParameters(serializers.Serializer[Any]):
    """Which page, and how long."""

    limit = QueryIntegerField(
        default=100, min_value=1, max_value=100, help_text="Results on a page."
    )
    page = QueryIntegerField(default=0, min_value=0, help_text="Which page, counted from 0.")


class CursorField(QueryValue, serializers.CharField):
    """A cursor in a query string; an empty one begins."""


class CursorPageParameters(PageParameters):
    """Which page, by its number or by what comes before it, and how long."""

    cursor = CursorField(
        default=None,
        allow_blank=True,
        help_text=(
            "Instead of `page`, which stays 0: empty to begin, then each answer's `next_cursor`. "
            "Nothing comes twice and nothing is left out, whatever is made or deleted meanwhile."
        ),
    )


class PageMetaSerializer(serializers.Serializer[Any]):
    """Which page, and how much there is."""

    current_page = serializers.IntegerField(min_value=0, help_text="0 where `cursor` was given.")
    has_more_pages = serializers.BooleanField()
    total_results = serializers.IntegerField(min_value=0)
    next_cursor = serializers.CharField(
        required=False,
        allow_null=True,
        help_text="Only there where `cursor` was given; null: there is no more.",
    )


class Paged(Protocol):
    """Records that are counted and sliced, such as a queryset."""

    def count(self) -> int: ...

    def __getitem__(self, part: slice, /) -> Iterable[Any]: ...


def read_page(parameters: Reader, request: Request) -> dict[str, Any]:
    """What a request asks of a list that has cursors: values of CursorPageParameters.

    Raises ValidationError, for a `page` but the first beside `cursor` too: clients that are made
    from the document send its defaults along.
    """
    asked = read(parameters, request.query_params)
    if asked["cursor"] is not None and asked["page"]:
        raise serializers.ValidationError({"cursor": ["Does not go with page."]})
    return asked


def page_response(
    request: Request,
    asked: dict[str, Any],
    results: list[Any],
    total: int,
    next_cursor: str | None,
    meta: Mapping[str, Any] = MappingProxyType({}),
    **more: Any,
) -> Response:
    """The answer to what `read_page` has read; `more` stands beside `results` and `meta`, to which
    the given one is added.

    Without `next_cursor`, nothing follows.
    """
    answer = page_of(results, asked["page"], asked["limit"], total) | more
    answer["meta"] |= meta
    if asked["cursor"] is not None:
        answer["meta"] |= {"has_more_pages": bool(next_cursor), "next_cursor": next_cursor}
    return Response(answer, headers=next_link(request, next_cursor) if next_cursor else None)


def page_of(results: list[Any], number: int, limit: int, total: int) -> dict[str, Any]:
    """`{results, meta}` of the page with this number, counted from 0."""
    meta = {
        "current_page": number,
        "has_more_pages": (number + 1) * limit < total,
        "total_results": total,
    }
    return {"results": results, "meta": meta}


class ZeroBasedPagination(PageNumberPagination):
    """`{results, meta}`; a page past the end is empty and no error."""

    # The view documents them, beside its other parameters.
    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return []

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        asked = read(PageParameters, request.query_params)
        self.number, self.limit = asked["page"], asked["limit"]
        self.total = queryset.count()
        start = self.number * self.limit
        return list(queryset[start : start + self.limit]) if start < self.total else []

    def get_paginated_response(self, data: Any) -> Response:
        return Response(page_of(data, self.number, self.limit, self.total))

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        meta = {
            "current_page": {"type": "integer", "minimum": 0},
            "has_more_pages": {"type": "boolean"},
            "total_results": {"type": "integer", "minimum": 0},
        }
        return {
            "type": "object",
            "required": ["results", "meta"],
            "properties": {
                "results": schema,
                "meta": {"type": "object", "required": list(meta), "properties": meta},
            },
        }


def paged(
    records: Paged, request: Request, serializer: type[serializers.Serializer[Any]]
) -> Response:
    """The page of some records that the request asks for by its number. Raises ValidationError."""
    pages = ZeroBasedPagination()
    page = pages.paginate_queryset(records, request)
    return pages.get_paginated_response(serializer(page, many=True).data)
