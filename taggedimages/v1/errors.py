"""Errors in the shape of /v1: `{code, message}` (contract TIM, errors)."""

from typing import Any

from django.http import JsonResponse
from rest_framework.response import Response
from rest_framework.views import set_rollback

from taggedimages.http.errors import problem_of


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer an exception of a /v1 view in that API's shape (contract TIM, errors)."""
    problem = problem_of(error)
    if problem is None:
        return None
    set_rollback()
    # The published API knows no 415: a wrong content type is a bad request there.
    status = 400 if problem.status == 415 else problem.status
    told = problem.more | body(status, problem.message, problem.errors)
    return Response(told, status=status, headers=problem.headers)


def respond(status: int, message: str) -> JsonResponse:
    """The /v1 answer to a request that never reached a view."""
    return JsonResponse(body(status, message), status=status)


def body(status: int, message: str, errors: list[str] | None = None) -> dict[str, Any]:
    """`{code, message}`, with `errors` where a bad request has several."""
    return {"code": status, "message": message} | ({"errors": errors} if errors else {})
