"""JSON bodies, read so that nothing a client sends can upset the process, and is refused at once.

How much there is of something is judged under every name, read or not, before any of it is looked
at: tens of thousands of wrong items would be as many errors.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser, JSONParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

MAX_DEPTH = 64


class BoundedJSONParser(JSONParser):
    """Refuses nesting that would exhaust the stack, and lists of very many items."""

    # None: what the setting says.
    max_items: int | None = None
    # Fields that count their items themselves, in words of their own, before they look at one.
    counting_fields: frozenset[str] = frozenset()

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
        check_bounds(data, self.max_items, self.counting_fields)
        return data


def check_bounds(
    data: Any, max_items: int | None = None, counting_fields: frozenset[str] = frozenset()
) -> None:
    """Raises ParseError where JSON is nested too deep, or has too long a list anywhere in it."""
    most = settings.MAX_LIST_ITEMS if max_items is None else max_items
    if is_deeper_than(data, MAX_DEPTH):
        raise ParseError(f"The body is nested deeper than {MAX_DEPTH}.")
    fields = counting_fields if isinstance(data, dict) else ()
    passed = {id(data[name]) for name in fields if name in data}
    lists = (one for level in _levels(data) for one in level if isinstance(one, list))
    if any(len(one) > most and id(one) not in passed for one in lists):
        raise ParseError(f"A list in the body has more than {most} items.")


def is_deeper_than(data: Any, depth: int) -> bool:
    """Whether lists and objects are nested in each other more than so many times."""
    return any(number > depth for number, _ in enumerate(_levels(data)))


def _levels(data: Any) -> Iterator[list[Any]]:
    """The lists and objects in JSON by how deep they are."""
    level = [data] if isinstance(data, dict | list) else []
    while level:
        yield level
        level = [
            inner
            for value in level
            for inner in (value.values() if isinstance(value, dict) else value)
            if isinstance(inner, dict | list)
        ]


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
