"""/metrics: numbers of this service in Prometheus's text format (docs/operating/monitoring.md).

For whoever has TAGGEDIMAGES_METRICS_TOKEN, and for this machine itself, as far as nothing says that
a proxy asks for somebody else, or that a page's name was made to lead here.
"""

import hmac
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port, validate_host

from taggedimages.http.refusals import api_of
from taggedimages.monitoring import state
from taggedimages.monitoring.exposition import CONTENT_TYPE, exposition

PATH = "/metrics"
# What a proxy says of itself, or of whom it asks for.
OF_PROXIES = (
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_REAL_IP",
    "HTTP_FORWARDED",
    "HTTP_VIA",
)


def metrics(request: HttpRequest) -> HttpResponse:
    """The answer to /metrics: 404 for those who are not meant, 401 where there is a token."""
    if not has_token(request.META) and not is_of_this_machine(request.META):
        return _refused()
    if request.method not in ("GET", "HEAD"):
        return api_of(PATH).refuse(405, "Method not allowed.")
    return HttpResponse(
        exposition(state.STATE),
        content_type=CONTENT_TYPE,
        headers={"Cache-Control": "no-store"},
    )


def has_token(meta: Mapping[str, Any]) -> bool:
    """Whether a request bears the token, where one is set."""
    scheme, _, token = str(meta.get("HTTP_AUTHORIZATION", "")).partition(" ")
    expected = settings.METRICS_TOKEN
    return bool(expected) and (
        scheme.lower() == "bearer"
        and hmac.compare_digest(token.strip().encode(), expected.encode())
    )


def is_of_this_machine(meta: Mapping[str, Any]) -> bool:
    """Whether a process of this machine asks, for itself, and knows it by a name of its own."""
    if settings.BEHIND_PROXY or any(name in meta for name in OF_PROXIES):
        return False
    try:
        if not ip_address(str(meta.get("REMOTE_ADDR"))).is_loopback:
            return False
    except ValueError:
        return False
    host, _ = split_domain_port(str(meta.get("HTTP_HOST", "")))
    return validate_host(host, ["localhost", "127.0.0.1", "[::1]"])


def _refused() -> HttpResponse:
    if not settings.METRICS_TOKEN:
        return api_of(PATH).refuse(404, "Not found.")
    answer = api_of(PATH).refuse(401, "Send Authorization: Bearer <token>.")
    answer["WWW-Authenticate"] = "Bearer"
    return answer
