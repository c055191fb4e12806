"""How SharinPix answers: times, errors and the renewed token (contract SharinPix)."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import HttpResponse
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import set_rollback
from rest_framework.viewsets import ViewSet

from taggedimages.dialects.sharinpix import tokens
from taggedimages.dialects.sharinpix.authentication import HasToken, JWTAuthentication
from taggedimages.dialects.sharinpix.caller import Caller
from taggedimages.dialects.sharinpix.openapi import ErrorsDocumented
from taggedimages.http import page_size
from taggedimages.http.errors import problem_of
from taggedimages.http.parsers import BoundedJSONParser
from taggedimages.http.renderers import FastJSONRenderer
from taggedimages.identity.kept_answers import InUse, Unreadable

# This API tells a missing right like a missing token, and knows no conflict.
STATUS_INSTEAD = {403: 401, 409: 400, 415: 400}
# How the ledger calls what came through this API.
SOURCE = "sharinpix"
# No list is longer.
MAX_ROWS = 1000


def respond(status: int, message: str) -> HttpResponse:
    """An error, also of a request that never reached a view: empty, the fault in a header."""
    return _empty(STATUS_INSTEAD.get(status, status), message)


def _empty(status: int, message: str) -> HttpResponse:
    message = "Access denied" if status == 401 else " ".join(message.split())[:200]
    printable = re.sub(r"[^ -~]", "?", message)
    return HttpResponse(status=status, content_type="text/html", headers={"X-message": printable})


def timestamp(at: datetime | None) -> str | None:
    """ISO 8601 with three decimals and a numeric offset; null for an unknown time."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds") if at else None


def rows(serializer: Any, records: Iterable[Any], **context: Any) -> Response:
    """Records as a bare list: this API has no envelope and no pages.

    Of images that have files, with eleven URLs each, some 600 rows are 4 MB: no more come.
    """
    shown: Any = serializer(records, many=True, context=context).data
    return Response(page_size.first(shown))


def handle(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Answer an exception of a view; None for what is a defect of ours."""
    if isinstance(error, SuspiciousOperation):
        return respond(400, "The request has too many fields.")
    problem = problem_of(error)
    if problem is None:
        return None
    set_rollback()
    # Of keys it says nothing: who tries again has to know that it may.
    is_of_key = isinstance(error, InUse | Unreadable)
    response = (_empty if is_of_key else respond)(problem.status, problem.message)
    for name, value in problem.headers.items():
        response[name] = value
    return response


class UTF8Renderer(FastJSONRenderer):
    """JSON that names its charset."""

    charset = "utf-8"


class SharinPixViewSet(ViewSet):
    """What all views of this API share."""

    authentication_classes = (JWTAuthentication,)
    permission_classes: tuple[type[BasePermission], ...] = (HasToken,)
    parser_classes = (BoundedJSONParser, FormParser, MultiPartParser)
    renderer_classes = (UTF8Renderer,)
    schema = ErrorsDocumented()

    def get_exception_handler(self) -> Any:
        return handle

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.caller = request.auth

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        # Not the request's: asking that again would repeat a failure of the database.
        caller = getattr(self, "caller", None)
        if isinstance(caller, Caller) and answer.status_code != 401:
            answer["X-token"] = tokens.renewed(caller)
        return answer
