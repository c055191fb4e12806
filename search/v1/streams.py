"""A whole list of images as NDJSON: a record a line, made while it is sent (docs/search.md)."""

from collections.abc import Generator, Iterable, Iterator
from itertools import chain
from threading import BoundedSemaphore
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpResponseBase, StreamingHttpResponse
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request

from images.v1.serializers import records_of
from search.ordering import KeysetPosition
from search.results import Record, SearchResults
from taggedimages.http.errors import Problem, problem_of
from taggedimages.v1.errors import body

JSON, NDJSON = "application/json", "application/x-ndjson"
# What says which part of a list, or something of all of it.
NOT_OF_STREAMS = ("limit", "page", "facets")
DEFECT = Problem(500, "Something went wrong on our side.")

# A stream holds a thread of the web server for as long as its reader takes.
slots = BoundedSemaphore(settings.MAX_STREAMS)


class TooManyStreams(APIException):
    """This process sends as many streams as it may."""

    status_code = 503
    default_detail = "Too many lists are being streamed; try again later."
    wait = 5


def is_wanted(request: Request) -> bool:
    """Whether the caller would rather have NDJSON than JSON."""
    try:
        return bool(request.get_preferred_type([JSON, NDJSON]) == NDJSON)
    except ValueError:
        return False


def streamed(
    request: Request, found: SearchResults, after: KeysetPosition | None
) -> HttpResponseBase:
    """All that was found after a position. Raises ValidationError, TooManyStreams."""
    if given := [name for name in NOT_OF_STREAMS if name in request.query_params]:
        raise ValidationError({name: [f"Does not go with {NDJSON}."] for name in given})
    if not slots.acquire(blocking=False):
        raise TooManyStreams
    lines = _lines(found.stream(after))
    # To where the first chunk is ready: what fails until then has an answer of its own.
    next(lines)
    if request.method == "HEAD":
        lines.close()
        return StreamingHttpResponse(content_type=NDJSON)
    return StreamingHttpResponse(lines, content_type=NDJSON)


def _lines(chunks: Iterator[list[Record]]) -> Generator[bytes]:
    """Nothing, once the first chunk is there, and then the lines of all."""
    try:
        first = next(chunks, [])
        yield b""
        yield from _sent(chain([first], chunks))
    finally:
        slots.release()


def _sent(chunks: Iterable[list[Record]]) -> Iterator[bytes]:
    """The lines of some records. Where more cannot be had, the last line says so."""
    try:
        for chunk in chunks:
            if lines := b"".join(map(_line, records_of(chunk))):
                yield lines
    except Exception as error:
        problem = problem_of(error) or DEFECT
        yield _line(body(problem.status, problem.message))
        # Some servers break the connection off, too, and all write it to their log.
        raise


def _line(record: dict[str, Any]) -> bytes:
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
