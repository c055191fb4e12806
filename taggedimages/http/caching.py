"""HTTP caching: entity tags of single records, conditions on them, and who may store what.

An answer that carries an entity tag may be stored, and has to be asked about before each use, so
that what was deleted or hidden is so at once. Every other answer may not be stored at all.
docs/serving.md tells it to those who run the service.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from taggedimages.http.errors import PreconditionFailed

# What tells who calls, in any of the APIs. None of them looks at cookies.
CREDENTIALS = ("Authorization", "X-Auth-Token")
READS = ("GET", "HEAD")


def entity_tag(record: Mapping[str, Any], **urls: str | None) -> str:
    """A strong entity tag of a record as it is shown: `"state"`, or `"state-urls"`.

    `urls` are the fields that hand out presigned URLs, with what each is worth
    (`storage.worth`): new signatures change the second half, and never the state.
    """
    state = _digest({name: value for name, value in record.items() if name not in urls})
    return f'"{state}-{_digest(urls)}"' if urls else f'"{state}"'


def tagged(request: Request, record: Mapping[str, Any], tag: str) -> Response:
    """The answer to a read of one record. Raises PreconditionFailed."""
    check(request, lambda: tag)
    return Response(record, headers={"ETag": tag})


def check(request: Request, tag_now: Callable[[], str]) -> None:
    """Raise PreconditionFailed where the request is meant for another state of a record.

    `tag_now` is asked only if there is a condition. Before a write: under the record's lock.
    """
    wanted, unwanted = request.headers.get("If-Match"), request.headers.get("If-None-Match")
    if wanted is not None and not _is_state(wanted, tag_now()):
        raise PreconditionFailed
    if unwanted is not None and request.method not in READS and _is_known(unwanted, tag_now()):
        raise PreconditionFailed


class CacheHeaders:
    """Says of every answer who may store it, and answers 304 to a caller who has it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        # Static files and the admin speak for themselves, SharinPix as its contract says.
        if "Cache-Control" in response:
            return response
        if request.method not in READS or response.status_code != 200 or "ETag" not in response:
            response["Cache-Control"] = "no-store"
            return response
        is_told_who = any(name in request.headers for name in CREDENTIALS)
        response["Cache-Control"] = "private, no-cache" if is_told_who else "public, no-cache"
        patch_vary_headers(response, CREDENTIALS)
        if _is_known(request.headers.get("If-None-Match", ""), response["ETag"]):
            _empty(response)
        return response


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(JSONRenderer().render(content)).hexdigest()[:32]


def _is_state(wanted: str, tag: str) -> bool:
    """If-Match: weak tags never fit; signatures that were renewed do not matter."""
    named = parse_etags(wanted)
    return named == ["*"] or _state(tag) in map(_state, named)


def _state(tag: str) -> str:
    return tag.strip('"').partition("-")[0]


def _is_known(held: str, tag: str) -> bool:
    """If-None-Match, by weak comparison."""
    named = parse_etags(held)
    return named == ["*"] or tag in {one.removeprefix("W/") for one in named}


def _empty(response: HttpResponse) -> None:
    response.status_code, response.content = 304, b""
    # They would tell of the empty body, and not of the one that the caller has.
    del response["Content-Type"], response["Content-Length"]
