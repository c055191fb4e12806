"""Which request is served, or brought about the job that is done: for lines, and for rows of jobs.

Ids come with `X-Request-Id`, and are made where none comes or none that fits. A trace is told by
`traceparent` (W3C Trace Context, level 1).
"""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

# What an id may be: nothing that could end a line, a header or a column.
MOST = 64
FITS = re.compile(rf"[A-Za-z0-9._-]{{1,{MOST}}}", re.ASCII)
# version-traceid-parentid-flags; a trace of zeros is none, and version ff is forbidden.
TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?", re.ASCII
)


class Origin(NamedTuple):
    """The request that something is done for; None where none is known."""

    request_id: str | None = None
    trace_id: str | None = None


NOBODY = Origin()
_origin: ContextVar[Origin] = ContextVar("origin", default=NOBODY)


def origin() -> Origin:
    """That of the present thread or task."""
    return _origin.get()


def current() -> str | None:
    """The id of the request that is served, or that brought about the present job."""
    return _origin.get().request_id


def begin(found: Origin) -> None:
    """From now on, this thread or task is at what comes of that."""
    _origin.set(found)


@contextmanager
def within(request_id: str | None) -> Iterator[None]:
    """A job that a request brought about."""
    token = _origin.set(Origin(request_id))
    try:
        yield
    finally:
        _origin.reset(token)


def origin_of(request_id: str | None, traceparent: str | None) -> Origin:
    """That of a request with these headers; with an id in any case."""
    if not request_id or not FITS.fullmatch(request_id):
        request_id = str(uuid.uuid4())
    trace = TRACEPARENT.fullmatch(traceparent) if traceparent else None
    # Of the first version there is, a longer one is malformed.
    if trace and traceparent and traceparent.startswith("00") and len(traceparent) != 55:
        trace = None
    return Origin(request_id, trace[1] if trace else None)
