"""A whole list of images as NDJSON: a record a line, made while it is sent (docs/search.md)."""

from collections.abc import Callable, Generator, Iterable, Iterator
from functools import lru_cache
from itertools import chain
from threading import BoundedSemaphore
from typing import Any, Protocol

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from images.v1.past import meta
from images.v1.records import records_of
from images.visibility import Viewer
from search.ordering import KeysetPosition
from search.results import Record
from taggedimages.http import stopping
from taggedimages.http.errors import Problem, problem_of
from taggedimages.v1.errors import body
from tags.past.showing import Moment

JSON = "application/json"
# What readers call one and the same form; the first is sent to whoever names none.
MEDIA_TYPES = (
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/jsonlines",
    "application/x-jsonlines",
)
DEFECT = Problem(500, "Something went wrong on our side.")

# Each keeps what is not sent of its last pieces in memory, for as long as its reader takes.
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
    return _wanted_type(request.headers.get("Accept", "*/*"), others)


# Callers say the same each time, and Django takes longer to read it than to find who calls.
@lru_cache(maxsize=64)
def _wanted_type(accept: str, others: tuple[str, ...]) -> str | None:
    asked = HttpRequest()
    asked.META["HTTP_ACCEPT"] = accept
    # The only charset that JSON has may be named with it.
    named = [f"{media_type}; charset=utf-8" for media_type in MEDIA_TYPES]
    try:
        preferred = asked.get_preferred_type([*others, *MEDIA_TYPES, *named])
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
    past: Moment | None = None,
) -> HttpResponseBase:
    """All that was found after a position, as StreamParameters say, in records as `records_of`
    makes them, each of which says of which instant it is. Raises TooManyStreams."""

    def written(images: list[Record]) -> bytes:
        records = records_of(
            images, labels=part["labels"], implied_for=implied_for, past=past, whole=True
        )
        if past is not None:
            records = [record | {"meta": meta(past)} for record in records]
        return b"".join(map(_line, records))

    # Keeps no chunk while its reader takes what was written of it, which a loop would.
    pieces = map(written, found.stream(after, part["limit"]))
    return sent(request, pieces, media_type, failure=failure_line)


def sent(
    request: Request,
    pieces: Iterator[bytes],
    media_type: str,
    *,
    failure: Callable[[Exception], bytes] | None = None,
) -> HttpResponseBase:
    """An answer whose pieces are made while it is sent. Where more cannot be had, `failure` makes
    the last one of the error. Raises TooManyStreams."""
    if not slots.acquire(blocking=False):
        raise TooManyStreams
    answer = _held(pieces, failure)
    # To where the first piece is ready: what fails until then has an answer of its own.
    next(answer)
    if request.method == "HEAD":
        answer.close()
        return StreamingHttpResponse(content_type=media_type)
    return StreamingHttpResponse(answer, content_type=media_type)


def _held(
    pieces: Iterator[bytes], failure: Callable[[Exception], bytes] | None
) -> Generator[bytes]:
    """Nothing, once the first piece is there, and then all of them; frees the slot at the end."""
    try:
        every = chain([next(pieces, b"")], pieces)
        yield b""
        yield from _told(every, failure)
    finally:
        slots.release()


def _told(pieces: Iterable[bytes], failure: Callable[[Exception], bytes] | None) -> Iterator[bytes]:
    """The pieces that there is anything in."""
    try:
        for piece in filter(None, pieces):
            yield piece
            stopping.end_if_due()
    except Exception as error:
        if failure:
            yield failure(error)
        # Some servers break the connection off, too, and all write it to their log.
        raise


def failure_line(error: Exception) -> bytes:
    """The last line of a list that is not complete."""
    problem = problem_of(error) or DEFECT
    return _line(body(problem.status, problem.message))


def _line(record: dict[str, Any]) -> bytes:
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
