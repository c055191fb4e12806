"""OpenAPI: what the documents of all APIs share."""

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

F = TypeVar("F", bound=Callable[..., Any])

# Of records that are read and written one by one (taggedimages.http.caching).
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match", location=OpenApiParameter.HEADER, description="Entity tags that are held."
)
IF_MATCH = OpenApiParameter(
    "If-Match",
    location=OpenApiParameter.HEADER,
    description="Write only to a record that still has one of these entity tags.",
)
ETAG = OpenApiParameter(
    "ETag", location=OpenApiParameter.HEADER, response=[200, 304], description="A strong tag."
)
NOT_MODIFIED = {304: OpenApiResponse(None, "What the caller holds is still right.")}


def say_who_needs_no_login(result: dict[str, Any], **generator: Any) -> dict[str, Any]:
    """Has operations that everybody may call say so, which the generator leaves to be guessed."""
    for path in result["paths"].values():
        for operation in path.values():
            operation.setdefault("security", [])
    return result


def documented_as(schema: type[AutoSchema]) -> Callable[..., Callable[[F], F]]:
    """`extend_schema` for the views of another API than /v1, whose schema class it would take."""

    def documented(summary: str | None = None, **said: Any) -> Callable[[F], F]:
        def decorate(operation: F) -> F:
            operation.kwargs = {"schema": schema}  # type: ignore[attr-defined]
            return extend_schema(summary=summary, **said)(operation)

        return decorate

    return documented
