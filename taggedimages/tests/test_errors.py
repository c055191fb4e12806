"""What never reaches a view, or fails in it, is answered in the words of the API it came to."""

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.urls import path
from rest_framework.test import APIClient

from taggedimages import urls

pytestmark = pytest.mark.django_db


def raises(error: Exception) -> Any:
    def view(request: HttpRequest, **kwargs: str) -> HttpResponse:
        raise error

    return view


# The service's own handlers behind views that fail, in every API.
FAILURES = {
    "zero": (ZeroDivisionError(), 500),
    "odd": (SuspiciousOperation("Odd."), 400),
    "denied": (PermissionDenied(), 403),
}
urlpatterns = [
    path(f"{prefix}/{name}", raises(error))
    for prefix in ("v1", "api/v1", "api/v2", "current/api/v2", "v2", "v3", "v1/p/cloudimages")
    for name, (error, _) in FAILURES.items()
]
handler400, handler403 = urls.handler400, urls.handler403
handler404, handler500 = urls.handler404, urls.handler500


def in_v1(answer: Any, status: int) -> bool:
    body = answer.json()
    return sorted(body) == ["code", "message"] and body["code"] == status


def in_atmosphere(answer: Any, status: int) -> bool:
    return list(answer.json()) == ["detail"] and isinstance(answer.json()["detail"], str)


def in_sharinpix(answer: Any, status: int) -> bool:
    return answer.content == b"" and bool(answer["X-message"])


def in_ims(answer: Any, status: int) -> bool:
    error = answer.json()["error"]
    return error["code"].startswith("IMG.") and bool(error["message"])


UNKNOWN = [
    ("/nothing/here", in_v1),
    ("/v1", in_v1),
    ("/v1/nothing", in_v1),
    ("/v1/nothing/", in_v1),
    ("/v10/images", in_v1),
    ("/api", in_atmosphere),
    ("/api/v1/nothing/at/all/here", in_sharinpix),
    ("/api/v2/nothing", in_atmosphere),
    ("/api/v2/nothing/", in_atmosphere),
    ("/current/api/v2/nothing", in_atmosphere),
    ("/v2/p/nothing/at/all/here", in_ims),
    ("/v3/nothing", in_ims),
    ("/v1/cloudimages/nothing/at/all", in_ims),
    ("/v1/p/cloudimages/nothing/at/all", in_ims),
]


@pytest.mark.parametrize(("address", "in_shape"), UNKNOWN)
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_an_unknown_route_is_404_in_the_shape_of_its_api(api, address, in_shape, method):
    answer = api.generic(method, address)
    assert answer.status_code == 404
    assert in_shape(answer, 404)


SHAPES = [
    ("/v1", in_v1),
    ("/api/v1", in_sharinpix),
    ("/api/v2", in_atmosphere),
    ("/current/api/v2", in_atmosphere),
    ("/v2", in_ims),
    ("/v3", in_ims),
    ("/v1/p/cloudimages", in_ims),
]


@pytest.mark.parametrize(("prefix", "in_shape"), SHAPES)
@pytest.mark.parametrize(("name", "status"), [(n, status) for n, (_, status) in FAILURES.items()])
def test_a_failing_view_is_answered_in_the_shape_of_its_api(
    api, settings, prefix, in_shape, name, status
):
    settings.ROOT_URLCONF = __name__
    if in_shape is in_sharinpix and status == 403:
        status = 401  # which that API answers to a missing right, too
    answer = api.get(f"{prefix}/{name}")
    assert answer.status_code == status
    assert in_shape(answer, status)
    assert "ZeroDivision" not in answer.content.decode()


@pytest.mark.parametrize(("prefix", "in_shape"), SHAPES)
def test_so_is_what_the_middleware_refuses(api, prefix, in_shape):
    unknown_host = api.get(f"{prefix}/any", HTTP_HOST="elsewhere.example")
    assert unknown_host.status_code == 400
    assert in_shape(unknown_host, 400)
    too_large = api.generic("POST", f"{prefix}/any", CONTENT_LENGTH="999999999999")
    assert too_large.status_code == 413
    assert in_shape(too_large, 413)
    untold = api.generic("POST", f"{prefix}/any", HTTP_TRANSFER_ENCODING="chunked")
    assert untold.status_code == 411
    assert in_shape(untold, 411)


def test_an_odd_path_is_404_for_any_method_and_never_a_redirect():
    client = APIClient(raise_request_exception=False)
    for odd in ("//v1/images", "/v1//images", "/v1/images/1/", "/v1/%2e%2e/admin", "/v1/\x00"):
        for method in ("GET", "POST"):
            assert client.generic(method, odd).status_code in (400, 404, 405)
