"""What a caller may do how often, as far as requests tell who calls (docs/limits.md).

Doors call `limit` before the work; what becomes of RateExceeded is said where all errors are
(`taggedimages.http.errors`), in each API's own shape. Writes without a login are counted by the
middleware: REST framework asks for permission before it asks its throttles, so the refused ones
would never come to be counted there.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.conf import settings
from django.contrib import admin
from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from taggedimages.http.caching import CREDENTIALS
from taggedimages.http.errors import problem_of
from taggedimages.http.keys import HEADER
from taggedimages.http.refusals import api_of
from taggedimages.identity import attempts, buckets
from taggedimages.identity.addresses import client_address
from taggedimages.identity.hashing import Busy
from taggedimages.identity.models import User
from taggedimages.identity.rate_limits import Kind, RateExceeded
from taggedimages.postgresql import replicas
from taggedimages.postgresql.base import answers_within

H = TypeVar("H", bound=Callable[..., Any])

# By the client's address, even where the user is known.
BY_ADDRESS = {Kind.LOGINS, Kind.ANONYMOUS_WRITES}


def limit(request: HttpRequest | Request, kind: Kind) -> None:
    """Count what the request is about to do. Raises RateExceeded."""
    if not kind.is_on:
        return
    caller = _caller(request, kind)
    if kind is Kind.LOGINS:
        attempts.take(kind, caller)
    elif kind is Kind.SEARCHES and settings.REPLICAS:
        _take_if_there(kind, caller)
    else:
        buckets.take(kind, caller)


def limited(kind: Kind) -> Callable[[H], H]:
    """A handler of a view that counts before it does anything, in a transaction or not."""

    def decorate(handler: H) -> H:
        @wraps(handler)
        def run(view: Any, request: Request, *args: Any, **kwargs: Any) -> Any:
            limit(request, kind)
            return handler(view, request, *args, **kwargs)

        return run  # type: ignore[return-value]

    return decorate


def _caller(request: HttpRequest | Request, kind: Kind) -> str:
    if kind not in BY_ADDRESS and isinstance(request.user, User):
        return f"user {request.user.pk}"
    return f"address {client_address(request.META)}"


def _take_if_there(kind: Kind, caller: str) -> None:
    """Let searches pass while the primary is away: replicas answer them, and go on doing so.

    Only the primary can count, and nobody is to wait for it in order to be told what it is not
    needed for. Whatever else is counted needs it anyway.
    """
    if not replicas.PRIMARY.answers():
        return
    try:
        with answers_within(replicas.ANSWER_SECONDS):
            buckets.take(kind, caller)
    except (OperationalError, InterfaceError):
        connections[DEFAULT_DB_ALIAS].close()


class RateLimits:
    """Counts writes without a login and logins to the admin; the admin's refusals become pages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Before the view; Django calls it."""
        try:
            if _is_admin_login(request):
                limit(request, Kind.LOGINS)
            elif _is_anonymous_write(request, view):
                limit(request, Kind.ANONYMOUS_WRITES)
        except RateExceeded as error:
            return refused(request, error)
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Where a view of the admin raised; those of the APIs answer for themselves."""
        return refused(request, exception) if isinstance(exception, RateExceeded | Busy) else None


def refused(request: HttpRequest, error: RateExceeded | Busy) -> HttpResponse:
    """The answer in the shape of the path: of an API, or a page of the admin."""
    problem = problem_of(error)
    assert problem
    if _is_of_admin(request):
        page = admin.site.each_context(request) | {
            "title": "Not now",
            "message": problem.message,
            "is_nav_sidebar_enabled": False,
        }
        answer = render(request, "taggedimages/refused.html", page, status=problem.status)
    else:
        answer = api_of(request.path_info).refuse(problem.status, problem.message)
    for name, value in problem.headers.items():
        answer[name] = value
    return answer


def _is_of_admin(request: HttpRequest) -> bool:
    return request.resolver_match is not None and "admin" in request.resolver_match.app_names


def _is_admin_login(request: HttpRequest) -> bool:
    return request.method == "POST" and _is_of_admin(request) and _names(request, "login")


def _names(request: HttpRequest, url_name: str) -> bool:
    return request.resolver_match is not None and request.resolver_match.url_name == url_name


def _is_anonymous_write(request: HttpRequest, view: Any) -> bool:
    """Whether nobody says who they are, to a view of an API that asks and would write.

    Views that ask nobody have secrets of their own, or a limit: logins, events of the store.
    """
    api_view = getattr(view, "cls", None)
    if request.method in SAFE_METHODS or api_view is None:
        return False
    # Of a read with a key, the answer is written down.
    reads = getattr(api_view, "only_reads", False) and HEADER not in request.META
    if reads or not api_view.authentication_classes:
        return False
    says_who = any(name in request.headers for name in CREDENTIALS) or "token" in request.GET
    return not says_who
