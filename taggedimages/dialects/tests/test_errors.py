"""Rule 8: errors are shaped by the prefix of the path, whatever goes wrong and whoever asks."""

from urllib.parse import unquote

import pytest
from django.urls import re_path
from rest_framework.test import APIClient

from taggedimages.dialects.tests.doors import Atmosphere, Deployed, Ims, SharinPix, Tim
from taggedimages.urls import handler500  # noqa: F401  Django asks the URLconf for it


def fail(request):
    """A view with a defect."""
    raise RuntimeError("a secret detail")


# Where every route leads to it.
urlpatterns = [re_path("", fail)]


def tim(answer):
    return set(answer.json()) == {"code", "message"} and answer.json()["code"] == answer.status_code


def atmosphere(answer):
    return set(answer.json()) == {"detail"}


def sharinpix(answer):
    empty = answer.content == b"" and answer.headers["Content-Type"].startswith("text/html")
    return empty and "X-message" in answer.headers and "X-Request-Id" in answer.headers


def ims(answer):
    error = answer.json()["error"]
    named = set(answer.json()) == {"error"} and set(error) == {"code", "message"}
    return named and error["code"].startswith("IMG.") and "X-Request-Id" in answer.headers


# Who asks, the shape of what is refused there, a route that does not exist, one that does.
PREFIXES = {
    "/v1": (Tim, tim, "/v1/nothing", "/v1/tags"),
    "/v1/{project}": (Tim, tim, "/v1/lab/images", "/v1/search/images"),
    "/v1/cloudimages": (Ims, ims, "/v1/cloudimages/nothing", "/v1/cloudimages/tags"),
    "/v1/{project}/cloudimages": (
        Ims,
        ims,
        "/v1/lab/cloudimages/x/tags",
        "/v1/lab/cloudimages/x/tags/delete",
    ),
    "/v2": (Ims, ims, "/v2/lab/nothing", "/v2/lab/images/tags"),
    "/v3": (Ims, ims, "/v3/auth/nothing", "/v3/auth/tokens"),
    "/api/v1": (SharinPix, sharinpix, "/api/v1/nothing", "/api/v1/tag_images"),
    "/api/v2": (Atmosphere, atmosphere, "/api/v2/nothing", "/api/v2/images"),
    "/current/api/v2": (Deployed, atmosphere, "/current/api/v2/nothing", "/current/api/v2/images"),
    "elsewhere": (Tim, tim, "/nothing", "/v1/images"),
    "/api/v3": (Atmosphere, atmosphere, "/api/v3/images", "/api/v2/images"),
}

# What is near an API's paths, and whose shape it gets.
NEAR = {
    **dict.fromkeys(
        ("/v2/foo", "/v2x", "/v2//images", "/v2/images/", "/v2.0/images", "/V2/images", "/v4"), ims
    ),
    **dict.fromkeys(("/v3/foo", "/v3foo", "/v3/auth", "/v3//", "//v2/images", "/v2/%2F"), ims),
    **dict.fromkeys(
        (
            "/v1//cloudimages",
            "/v1/%2Fcloudimages/tags",
            "/v1/%2F%2Fcloudimages/tags",
            "/v1/lab//cloudimages",
            "/v1/cloudimages",
            "/v1/cloudimages/",
            "/versions/x",
        ),
        ims,
    ),
    **dict.fromkeys(
        ("/api", "/api/", "/api/v2", "/api/v2/", "/api/v2x", "/api/v2//images", "/api/v10"),
        atmosphere,
    ),
    **dict.fromkeys(
        ("/current", "/current/api", "/current/api/v2x", "/API/v2/images", "/api/images"),
        atmosphere,
    ),
    **dict.fromkeys(("/api/v1", "/api/v1/", "/api/v1x", "/api//v1/tags", "/api/v1//"), sharinpix),
    **dict.fromkeys(("/v1", "/v1/", "/v1x", "/v1/%2F", "//", "/%2F", "/nothing", "/docs/x"), tim),
    **dict.fromkeys(("/static/x", "/favicon.png", "/v1/images/x/y/z", "/v1/tags/x/y"), tim),
}


@pytest.fixture(params=PREFIXES)
def prefix(request, doors):
    """The client of a prefix, the shape of its errors, a wrong path and a right one."""
    door, shape, unknown, known = PREFIXES[request.param]
    return doors[door].http, shape, unknown, known


def test_an_unknown_route(prefix):
    http, shape, unknown, _ = prefix
    for caller in (http, APIClient()):
        for method in ("get", "post", "put", "patch", "delete"):
            answer = getattr(caller, method)(unknown)
            assert answer.status_code == 404
            assert shape(answer)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("path", NEAR)
def test_an_unknown_path_is_answered_as_the_nearest_api_does(db, path, method):
    answer = APIClient().generic(method, "/", PATH_INFO=unquote(path))
    assert (answer.status_code, NEAR[path](answer)) == (404, True)
    assert b"<html" not in answer.content.lower()


def test_a_method_that_a_route_does_not_know(prefix):
    http, shape, _, known = prefix
    answer = http.patch(known, {})
    assert answer.status_code == 405
    assert shape(answer)
    assert answer.headers["Allow"]


def test_a_failure_of_ours(prefix, settings):
    _, shape, unknown, _ = prefix
    settings.ROOT_URLCONF = __name__
    answer = APIClient(raise_request_exception=False).get(unknown)
    assert answer.status_code == 500
    assert shape(answer)
    assert b"secret" not in answer.content


@pytest.mark.parametrize(
    ("door", "shape", "path"),
    [
        (Tim, tim, "/v1/images/{}"),
        (Tim, tim, "/v1/tags/{}"),
        (Atmosphere, atmosphere, "/api/v2/images/{}"),
        (Deployed, atmosphere, "/current/api/v2/image_tags/{}"),
        (SharinPix, sharinpix, "/api/v1/images/{}"),
        (Ims, ims, "/v2/images/{}"),
        (Ims, ims, "/v2/lab/images/{}/tags"),
    ],
)
def test_an_unknown_record(doors, door, shape, path):
    answer = doors[door].http.get(path.format("4" * 8))
    assert answer.status_code == 404
    assert shape(answer)


@pytest.mark.parametrize(
    ("door", "shape", "method", "path"),
    [
        (Tim, tim, "post", "/v1/images"),
        (Atmosphere, atmosphere, "post", "/api/v2/tags"),
        (SharinPix, sharinpix, "post", "/api/v1/tags"),
        (Ims, ims, "put", "/v1/cloudimages/tags"),
    ],
)
@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 5000])
def test_a_body_that_is_no_json(doors, door, shape, method, path, body):
    answer = getattr(doors[door].http, method)(path, body, content_type="application/json")
    assert answer.status_code == 400
    assert shape(answer)


@pytest.mark.parametrize(
    ("shape", "path"),
    [
        (tim, "/v1/images"),
        (atmosphere, "/api/v2/tags"),
        (atmosphere, "/current/api/v2/tags"),
        (sharinpix, "/api/v1/tags"),
        (ims, "/v1/cloudimages/tags"),
        (ims, "/v2/lab/images/tags"),
    ],
)
def test_a_body_that_is_too_large(settings, shape, path):
    settings.MAX_BODY_BYTES = 10
    answer = APIClient().post(path, {"name": "x" * 10}, format="json")
    assert answer.status_code == 413
    assert shape(answer)
