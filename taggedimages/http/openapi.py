"""OpenAPI: what the documents of all APIs share."""

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from taggedimages.http import idempotency

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
# Of each POST that is `keyed` (taggedimages.http.idempotency).
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1},
    location=OpenApiParameter.HEADER,
    description=(
        "1 to 255 visible characters of ASCII, in double quotes (RFC 8941) or without. A request "
        "that is sent again with its key is carried out once, and its first good answer given "
        "again for a day."
    ),
)
IDEMPOTENCY_REPLAYED = OpenApiParameter(
    "Idempotency-Replayed",
    {"type": "string", "enum": ["true", "resigned"]},
    location=OpenApiParameter.HEADER,
    response=[200, 201, 202, 204],
    description=(
        "Only there where an answer is given again: `true`, byte for byte; `resigned`, with new "
        "URLs, for the old ones have ended."
    ),
)
KEY_ERRORS = {
    "409": "In conflict with the present state; with Retry-After: a request with the same key is "
    "being carried out.",
    "422": "The key was sent with another request.",
}
NOT_MODIFIED = {304: OpenApiResponse(None, "What the caller holds is still right.")}


def say_who_needs_no_login(result: dict[str, Any], **generator: Any) -> dict[str, Any]:
    """Has operations that everybody may call say so, which the generator leaves to be guessed."""
    for path in result["paths"].values():
        for operation in path.values():
            operation.setdefault("security", [])
    return result


class KeysDocumented(AutoSchema):
    """Tells of Idempotency-Key where an operation takes one."""

    @property
    def takes_key(self) -> bool:
        """Whether the method of the view does."""
        handler = getattr(self.view, "action", None) or self.method.lower()
        return idempotency.takes_key(getattr(self.view, handler, None))

    @property
    def key_errors(self) -> dict[str, str]:
        """What it is refused as, by status."""
        return KEY_ERRORS if self.takes_key else {}

    def get_override_parameters(self) -> list[Any]:
        told = [IDEMPOTENCY_KEY, IDEMPOTENCY_REPLAYED] if self.takes_key else []
        return [*super().get_override_parameters(), *told]


def documented_as(schema: type[AutoSchema]) -> Callable[..., Callable[[F], F]]:
    """`extend_schema` for the views of another API than /v1, whose schema class it would take."""

    def documented(summary: str | None = None, **said: Any) -> Callable[[F], F]:
        def decorate(operation: F) -> F:
            operation.kwargs = {"schema": schema}  # type: ignore[attr-defined]
            return extend_schema(summary=summary, **said)(operation)

        return decorate

    return documented
