"""The published APIs by path prefix: which one a request came to decides how it is refused."""

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse

from taggedimages.api import errors
from taggedimages.dialects.atmosphere import conventions as atmosphere
from taggedimages.dialects.ims import conventions as ims
from taggedimages.dialects.sharinpix import conventions as sharinpix


@dataclass(frozen=True)
class Door:
    """One API: the paths that are its own, and its answer to what never reaches a view."""

    name: str
    paths: re.Pattern[str]
    takes_either_slash: bool
    refuse: Callable[[int, str], HttpResponse]


# The first that fits; the last fits everything.
DOORS = (
    Door("atmosphere", re.compile(r"/(current/)?api/v2(/|$)"), True, atmosphere.respond),
    Door("sharinpix", re.compile(r"/api/v1(/|$)"), True, sharinpix.respond),
    Door("ims", re.compile(r"/v[23](/|$)|/v1/([^/]+/)?cloudimages(/|$)"), False, ims.respond),
    Door("v1", re.compile(""), True, errors.respond),
)


def door_of(path: str) -> Door:
    """The API that a path belongs to."""
    return next(door for door in DOORS if door.paths.match(path))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400."""
    problem = errors.problem_of(exception)
    status, message = (problem.status, problem.message) if problem else (400, "Bad request.")
    return door_of(request.path_info).refuse(status, message)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404."""
    return door_of(request.path_info).refuse(404, "Not found.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403."""
    return door_of(request.path_info).refuse(403, "Forbidden.")


def failed(request: HttpRequest) -> HttpResponse:
    """Django's handler500, for what is raised outside an API's views: by middleware, the admin.

    Django calls it while it handles the exception; a dependency that is away is no defect.
    """
    error = sys.exception()
    problem = errors.problem_of(error) if isinstance(error, Exception) else None
    if problem is None or problem.status != 503:
        return door_of(request.path_info).refuse(500, "Something went wrong on our side.")
    answer = door_of(request.path_info).refuse(503, problem.message)
    for name, value in problem.headers.items():
        answer[name] = value
    return answer
