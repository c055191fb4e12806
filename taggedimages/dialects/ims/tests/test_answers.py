"""What every answer has: a request id, and one shape of error, wherever it comes from."""

import pytest
from django.test import RequestFactory, override_settings
from django.urls import path
from rest_framework.test import APIClient

from taggedimages.dialects.ims.conventions import ImsViewSet
from taggedimages.dialects.ims.tests.requests import error, tags_url
from taggedimages.http import refusals
from taggedimages.urls import handler500  # noqa: F401  Django asks the URLconf for it

UNKNOWN = [
    "/v2/lab",
    "/v2/lab/images",
    "/v2/images/x/file",
    "/v2/lab/images/resource_instances",
    "/v3/nothing",
    "/v3/auth",
    "/v3/auth/tokens/",
    "/v1/cloudimages",
    "/v1/cloudimages/tags/",
    "/v1/lab/cloudimages",
    "/v1/lab/cloudimages/x/tags/delete/",
]


@pytest.mark.parametrize("url", UNKNOWN)
def test_unknown_routes(ims, url):
    response = ims.get(url)
    assert (response.status_code, response.json()) == (404, error("IMG.0027", response))
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["X-Request-Id"]


@pytest.mark.parametrize("method", ["patch", "options", "trace", "put"])
def test_methods_that_a_route_does_not_have(ims, image, method):
    response = getattr(ims, method)(tags_url(image))
    assert (response.status_code, response.json()) == (405, error("IMG.0001", response))
    assert sorted(response.headers["Allow"].split(", ")) == ["GET", "HEAD", "POST"]
    assert response.headers["X-Request-Id"]


def test_each_answer_has_its_own_request_id(ims, image):
    urls = [tags_url(image), tags_url(image), "/v2/nowhere", "/v2/", "/v3/auth/tokens"]
    ids = {ims.get(url).headers["X-Request-Id"] for url in urls}
    assert len(ids) == len(urls)
    assert APIClient().get("/v2/images").headers["X-Request-Id"]
    assert ims.put(f"/v2/images/{image.uuid}/tags/a").headers["X-Request-Id"]


def test_a_head_is_a_get_without_its_body(ims, image):
    response = ims.head(tags_url(image))
    assert (response.status_code, response.content) == (200, b"")


def test_a_body_that_is_too_large(ims, image, settings):
    settings.MAX_BODY_BYTES = 10
    response = ims.post(tags_url(image), {"tag": {"key": "a", "value": ""}})
    assert (response.status_code, response.json()) == (413, error("IMG.0001", response))
    assert response.headers["X-Request-Id"]


def test_a_host_that_is_not_served(ims):
    response = ims.get("/v2/images", HTTP_HOST="elsewhere")
    assert response.status_code == 400
    assert response.json() == error("IMG.0001", response)


class BrokenViewSet(ImsViewSet):
    """Fails."""

    authentication_classes = ()
    permission_classes = ()

    def index(self, request):
        raise RuntimeError("a secret detail")


urlpatterns = [path("v2/broken", BrokenViewSet.as_view({"get": "index"}))]


@override_settings(ROOT_URLCONF=__name__)
def test_a_defect_of_ours():
    response = APIClient(raise_request_exception=False).get("/v2/broken")
    assert (response.status_code, response.json()) == (500, error("IMG.0061", response))
    assert "secret" not in response.content.decode()
    assert response.headers["X-Request-Id"]


@pytest.mark.parametrize("status", [500, 502, 503])
def test_failures_of_ours_have_one_code(status):
    answer = refusals.api_of("/v2/x").refuse(status, "Away.")
    assert answer.content == b'{"error": {"code": "IMG.0061", "message": "Away."}}'


@pytest.mark.parametrize("url", ["/v1/images/x/y", "/v1/tags/x/y", "/api/v1/x", "/api/v2/x"])
def test_other_doors_keep_their_own_shape(url):
    response = refusals.not_found(RequestFactory().get(url), Exception())
    assert b"IMG." not in response.content
