"""JSON bodies, read so that nothing a client sends can upset the process."""

from collections.abc import Iterable, Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser, JSONParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

MAX_DEPTH = 64


class BoundedJSONParser(JSONParser):
    """Refuses nesting deeper than 64, which would otherwise exhaust the stack."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            data = super().parse(stream, media_type, parser_context)
        except (RecursionError, UnicodeDecodeError) as error:
            raise ParseError("The body is not JSON that can be read.") from error
        if is_deeper_than(data, MAX_DEPTH):
            raise ParseError(f"The body is nested deeper than {MAX_DEPTH}.")
        return data


def is_deeper_than(data: Any, depth: int) -> bool:
    """Whether lists and objects are nested in each other more than so many times."""
    level = [data]
    for _ in range(depth + 1):
        level = [
            inner
            for value in level
            if isinstance(value, dict | list)
            for inner in (value.values() if isinstance(value, dict) else value)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


class IgnoreAcceptHeader(BaseContentNegotiation):
    """Every answer is JSON, whatever the Accept header or a `format` parameter says."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        media_type = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == media_type), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type
