"""A whole list of images as NDJSON: a record a line, made while it is sent (docs/search.md)."""

from collections.abc import Callable, Generator, Iterable, Iterator
from functools import partial
from itertools import chain
from threading import BoundedSemaphore
from typing import Any, Protocol

import orjson
from django.conf import settings
from django.http import HttpResponseBase, StreamingHttpResponse
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from images.v1.records import records_of
from images.visibility import Viewer
from search.ordering import KeysetPosition
from search.results import Record
from taggedimages.http.errors import Problem, problem_of
from taggedimages.v1.errors import body

JSON = "application/json"
# What readers call one and the same form; the first is sent to whoever names none.
MEDIA_TYPES = (
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/jsonlines",
    "application/x-jsonlines",
)
# Makes records of a chunk.
Writer = Callable[[list[Record]], list[dict[str, Any]]]
DEFECT = Problem(500, "Something went wrong on our side.")

# A stream holds a thread of the web server for as long as its reader takes.
slots = BoundedSemaphore(settings.MAX_STREAMS)


class TooManyStreams(APIException):
    """This process sends as many streams as it may."""

    status_code = 503
    default_detail = "Too many lists are being streamed; try again later."
    wait = 5


def wanted_type(request: Request, *others: str) -> str | None:
    """The name of NDJSON that the caller would rather have than the `others`; None: there is none.

    Of equals the first is taken, and the others come before all of its names.
    """
    # The only charset that JSON has may be named with it.
    named = [f"{media_type}; charset=utf-8" for media_type in MEDIA_TYPES]
    try:
        preferred = request.get_preferred_type([*others, *MEDIA_TYPES, *named])
    except ValueError:
        return None
    media_type = str(preferred).partition(";")[0]
    return media_type if media_type in MEDIA_TYPES else None


class Streamable(Protocol):
    """What has images to stream, such as SearchResults."""

    def stream(
        self, after: KeysetPosition | None = None, most: int | None = None
    ) -> Iterator[list[Record]]: ...


def streamed(
    request: Request,
    found: Streamable,
    part: dict[str, Any],
    after: KeysetPosition | None,
    media_type: str,
    *,
    implied_for: Viewer | None = None,
) -> HttpResponseBase:
    """All that was found after a position, as StreamParameters say, in records as `records_of`
    makes them. Raises TooManyStreams."""
    if not slots.acquire(blocking=False):
        raise TooManyStreams
    written = partial(records_of, labels=part["labels"], implied_for=implied_for)
    lines = _lines(found.stream(after, part["limit"]), written)
    # To where the first chunk is ready: what fails until then has an answer of its own.
    next(lines)
    if request.method == "HEAD":
        lines.close()
        return StreamingHttpResponse(content_type=media_type)
    return StreamingHttpResponse(lines, content_type=media_type)


def _lines(chunks: Iterator[list[Record]], written: Writer) -> Generator[bytes]:
    """Nothing, once the first chunk is there, and then the lines of all."""
    try:
        first = next(chunks, [])
        yield b""
        yield from _sent(chain([first], chunks), written)
    finally:
        slots.release()


def _sent(chunks: Iterable[list[Record]], written: Writer) -> Iterator[bytes]:
    """The lines of some records. Where more cannot be had, the last line says so."""
    try:
        for chunk in chunks:
            if lines := b"".join(map(_line, written(chunk))):
                yield lines
    except Exception as error:
        problem = problem_of(error) or DEFECT
        yield _line(body(problem.status, problem.message))
        # Some servers break the connection off, too, and all write it to their log.
        raise


def _line(record: dict[str, Any]) -> bytes:
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
