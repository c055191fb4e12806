"""Every request has an id, is counted and timed, and told in a line of the log where lines are
asked for (settings.LOG_REQUESTS): method, route, path, status, time, bytes, and who it was.

Queries are never told, since they may be permissions; paths are, and routes are their patterns.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.functional import LazyObject
from prometheus_client import Counter, Histogram

from taggedimages.http.refusals import api_of
from taggedimages.monitoring import request_ids, series

logger = logging.getLogger("taggedimages.requests")

HEADER = "X-Request-Id"
# When the head of a request was there, on the clock of time.perf_counter: told by the web front.
BEGAN = "taggedimages.began"
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
UNMATCHED, PREFLIGHT, OTHER = "unmatched", "preflight", "other"
# What is served beside the APIs, by how its route begins.
BESIDE = {"/admin/": "admin", "/docs": OTHER, "/healthz": OTHER, "/readyz": OTHER}
BESIDE |= {"/metrics": OTHER, "/static/": OTHER, PREFLIGHT: OTHER}
# What is asked every few seconds for ever: told where it is not well.
PROBES = {"/healthz", "/readyz", "/metrics"}
MOST_PATH = 500

GetResponse = Callable[[HttpRequest], HttpResponse]


@dataclass(slots=True)
class Told:
    """What is counted and told of an answer."""

    method: str
    path: str
    route: str
    status: int
    began: float
    size: int
    user: int | None = None

    def tell(self) -> None:
        """Count it, and write its line."""
        seconds = time.perf_counter() - self.began
        api = api_label(self.path if self.route == UNMATCHED else self.route)
        method = self.method if self.method in METHODS else OTHER
        count, time_taken = _series(api, self.route, method, self.status)
        count.inc()
        time_taken.observe(seconds)
        if not logger.isEnabledFor(logging.INFO) or (self.route in PROBES and self.status < 400):
            return
        path = told_path(self.path)
        about = {
            "method": self.method[:16],
            "route": self.route,
            "path": path,
            "status": self.status,
            "ms": round(seconds * 1000, 1),
            "bytes": self.size,
            "api": api,
            "user": self.user,
        }
        message = f"{self.method[:16]} {path} {self.status} {about['ms']} ms"
        logger.info("%s", message, extra={"about": about})


class Requests:
    """First in line, so that every answer bears the id, refusals and preflights too."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        meta = request.META
        began = meta.get(BEGAN) or time.perf_counter()
        origin = begin(meta)
        series.IN_PROGRESS.inc()
        try:
            response = self.get_response(request)
        finally:
            series.IN_PROGRESS.dec()
        response.headers[HEADER] = str(origin.request_id)
        told = Told(
            str(request.method),
            request.path_info,
            route_of(request),
            response.status_code,
            began,
            size_of(response),
            user_of(request),
        )
        if isinstance(response, StreamingHttpResponse):
            pieces: Iterable[bytes] = response.streaming_content
            response.streaming_content = Streamed(pieces, told)
        else:
            told.tell()
            request_ids.begin(request_ids.NOBODY)
        return response


class Streamed(Iterator[bytes]):
    """The pieces of a stream, which is told of when it is closed."""

    def __init__(self, pieces: Iterable[bytes], told: Told) -> None:
        self._pieces = iter(pieces)
        self._told: Told | None = told
        told.size = 0

    def __next__(self) -> bytes:
        piece = next(self._pieces)
        if self._told:
            self._told.size += len(piece)
        return piece

    def close(self) -> None:
        """The stream was sent, or is not wanted any more."""
        if self._told:
            self._told.tell()
            self._told = None
            request_ids.begin(request_ids.NOBODY)


def observed(environ: dict[str, Any], response: HttpResponse, route: str) -> HttpResponse:
    """An answer that the web front gives without the application, with its id and told of."""
    origin = begin(environ)
    response.headers[HEADER] = str(origin.request_id)
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
    size = len(response.content)
    Told(method, path, route, response.status_code, environ[BEGAN], size).tell()
    request_ids.begin(request_ids.NOBODY)
    return response


def size_of(response: HttpResponse) -> int:
    """Bytes of an answer that is no stream."""
    told = response.headers.get("Content-Length", "")
    if told.isascii() and told.isdigit():
        return int(told)
    return 0 if response.streaming else len(response.content)


def begin(meta: dict[str, Any]) -> request_ids.Origin:
    """The origin that a request's headers tell, from now on that of this thread or task."""
    origin = request_ids.origin_of(meta.get("HTTP_X_REQUEST_ID"), meta.get("HTTP_TRACEPARENT"))
    request_ids.begin(origin)
    return origin


def route_of(request: HttpRequest) -> str:
    """The pattern that a request met, such as `/v1/images/<id>`; one word for all that met none."""
    if match := request.resolver_match:
        return f"/{match.route}"
    path = request.path_info
    if path in BESIDE:
        return path
    return "/static/" if path.startswith("/static/") else UNMATCHED


@lru_cache(maxsize=1024)
def api_label(path: str) -> str:
    """Which API a route or a path is of, or what beside them."""
    beside = next((label for begins, label in BESIDE.items() if path.startswith(begins)), None)
    return beside or api_of(path).name


@lru_cache(maxsize=4096)
def _series(api: str, route: str, method: str, status: int) -> tuple[Counter, Histogram]:
    """To be found by one look, where the library takes two locks."""
    return (
        series.REQUESTS.labels(api, route, method, str(status)),
        series.REQUEST_SECONDS.labels(api, route, method),
    )


def user_of(request: HttpRequest) -> int | None:
    """The id of the user that was found to call, if anybody asked; nobody is asked for it here."""
    user = request.__dict__.get("user")
    if isinstance(user, LazyObject):
        user = request.__dict__.get("_cached_user")
    return None if user is None or isinstance(user, AnonymousUser) else user.pk


def told_path(path: str) -> str:
    """A path that is one word of bounded length."""
    path = path[:MOST_PATH]
    return path if path.isascii() and path.isprintable() and " " not in path else quote(path)
