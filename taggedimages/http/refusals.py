"""How a request that reaches no view is refused: in the shape of the API whose path it came to.

The table of APIs is `taggedimages.apis`, which the setting PUBLISHED_APIS names, so that what all
of them share knows none of them.
"""

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string

from taggedimages.http import errors


@dataclass(frozen=True)
class Api:
    """A published API: the paths that are its own, and its answer to what never reaches a view."""

    name: str
    paths: re.Pattern[str]
    takes_either_slash: bool
    refuse: Callable[[int, str], HttpResponse]


@cache
def apis() -> tuple[Api, ...]:
    """All of them; the first whose paths fit has a request, and the last fits everything."""
    published: tuple[Api, ...] = import_string(settings.PUBLISHED_APIS)
    return published


def api_of(path: str) -> Api:
    """The API that a path belongs to."""
    return next(api for api in apis() if api.paths.match(path))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400."""
    problem = errors.problem_of(exception)
    status, message = (problem.status, problem.message) if problem else (400, "Bad request.")
    return api_of(request.path_info).refuse(status, message)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404."""
    return api_of(request.path_info).refuse(404, "Not found.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403."""
    return api_of(request.path_info).refuse(403, "Forbidden.")


def failed(request: HttpRequest) -> HttpResponse:
    """Django's handler500, for what is raised outside an API's views: by middleware, the admin.

    Django calls it while it handles the exception; a dependency that is away is no defect, nor is
    a value that the database cannot hold.
    """
    error = sys.exception()
    problem = errors.problem_of(error) if isinstance(error, Exception) else None
    if problem is None:
        return api_of(request.path_info).refuse(500, "Something went wrong on our side.")
    answer = api_of(request.path_info).refuse(problem.status, problem.message)
    for name, value in problem.headers.items():
        answer[name] = value
    return answer
