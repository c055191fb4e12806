"""CORS for what the web front answers without Django; for all else its middleware is in settings.

One rule for both: `corsheaders`, with the settings CORS_*. No answer lets a page send cookies.
"""

from collections.abc import Mapping
from typing import Any

from corsheaders.middleware import CorsMiddleware
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.http.response import HttpResponseBase


def _never(request: Any) -> HttpResponseBase:
    raise NotImplementedError


# Its two halves are asked one by one, around answers that others make.
HALVES = CorsMiddleware(_never)


def preflight_of(environ: Mapping[str, Any]) -> HttpResponse | None:
    """The answer to a preflight (Fetch standard, 4.8); None for every other request.

    It needs no thread: nothing is looked up for it, and nobody has to log in.
    """
    if environ["REQUEST_METHOD"] != "OPTIONS":
        return None
    request = WSGIRequest(dict(environ))
    answer = HALVES.check_preflight(request)
    if not isinstance(answer, HttpResponse):
        return None
    HALVES.add_response_headers(request, answer)
    return answer


def add_headers(environ: Mapping[str, Any], answer: HttpResponse) -> HttpResponse:
    """An answer with what lets a page of another origin read it, if one may."""
    HALVES.add_response_headers(WSGIRequest(dict(environ)), answer)
    return answer
