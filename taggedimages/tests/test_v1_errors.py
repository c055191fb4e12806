"""How /v1 refuses what its views never see or cannot read: always `{code, message}`."""

import pytest

from images.models import Image
from images.v1 import views
from taggedimages.factories import make_image

pytestmark = pytest.mark.django_db

NOT_FOUND = {"code": 404, "message": "Not found."}
ROUTES = {
    "images": "GET POST",
    "images/1": "GET PUT DELETE",
    "images/1/complete": "POST",
    "images/1/history": "GET",
    "tags": "GET POST",
    "tags/1": "GET PUT DELETE",
    "tags/1/images": "GET",
    "tags/1/related": "GET",
    "tags/1/alias": "POST DELETE",
    "tags/1/implications": "POST",
    "tags/suggest": "GET",
    "search/images": "GET",
    "upload": "POST",
    "hooks/s3": "POST",
}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        (method, path)
        for path, answered in ROUTES.items()
        for method in METHODS
        if method not in answered.split()
    ],
)
def test_a_method_that_a_route_does_not_know_is_405(api, method, path):
    for slash in ("", "/"):
        answer = api.generic(method, f"/v1/{path}{slash}")
        assert answer.status_code == 405
        assert answer.json() == {"code": 405, "message": f'Method "{method}" not allowed.'}
        assert set(ROUTES[path].split()) <= set(answer.headers["Allow"].split(", "))


OPERATIONS = [
    (method, path)
    for path, answered in ROUTES.items()
    for method in answered.split()
    if path != "hooks/s3"
]


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_a_bad_bearer_is_401_on_every_route(api, method, path):
    answer = api.generic(method, f"/v1/{path}", HTTP_AUTHORIZATION="Bearer wrong")
    message = "The token is unknown, expired or revoked."
    assert (answer.status_code, answer.json()) == (401, {"code": 401, "message": message})


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_one_setting_makes_every_call_need_a_bearer(api, settings, method, path):
    settings.ANONYMOUS = "none"
    answer = api.generic(method, f"/v1/{path}")
    message = "Authentication credentials were not provided."
    assert (answer.status_code, answer.json()) == (401, {"code": 401, "message": message})


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_another_lets_anonymous_callers_read(api, settings, method, path):
    settings.ANONYMOUS = "read-only"
    assert (api.generic(method, f"/v1/{path}").status_code == 401) == (method != "GET")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "nope",
        "image",
        "images/1/2",
        "images//",
        "images/1/tags",
        "tags/1/2",
        "search",
        "Images",
    ],
)
def test_an_unknown_route_is_404(api, path):
    answers = [api.get(f"/v1/{path}"), api.post(f"/v1/{path}", {}), api.delete(f"/v1/{path}/")]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(404, NOT_FOUND)] * 3


@pytest.mark.parametrize("path", ["/v1/images", "/v1/tags/", "/v1/upload"])
@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""]
)
def test_a_wrong_content_type_is_400(api, path, content_type):
    answer = api.generic("POST", path, '{"name": "fine"}', content_type=content_type)
    message = f'Unsupported media type "{content_type}" in request.'
    assert (answer.status_code, answer.json()) == (400, {"code": 400, "message": message})


def test_a_charset_is_fine(api):
    body = '{"filename": "été.png"}'
    answer = api.generic("POST", "/v1/images", body, content_type="APPLICATION/JSON; charset=UTF-8")
    assert answer.status_code == 201
    assert Image.objects.get().filename == "été.png"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "{}x",
        "null",
        "[]",
        "5",
        '"text"',
        b'{"filename": "\xff.png"}',
        '{"filename": NaN}',
        '{"filename": "sun.png", "size": ' + "1" * 5_000 + "}",
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"filename": "sun.png", "odd": ' + "[" * 65 + "]" * 65 + "}",
    ],
)
@pytest.mark.parametrize("path", ["images", "upload", "tags"])
def test_a_body_that_is_no_json_object_is_400(api, path, body):
    answer = api.generic("POST", f"/v1/{path}", body, content_type="application/json")
    assert answer.status_code == 400
    assert set(answer.json()) <= {"code", "message", "errors"}
    assert answer.json()["code"] == 400
    assert not Image.objects.exists()


def test_a_body_past_the_limit_is_413(api, settings):
    limit = settings.MAX_BODY_BYTES
    body = '{"name": "fine"}'
    fits = api.generic("POST", "/v1/tags", body.ljust(limit), content_type="application/json")
    over = api.generic("POST", "/v1/tags", body.ljust(limit + 1), content_type="application/json")
    assert fits.status_code == 201
    message = f"The body is too large: at most {limit} bytes."
    assert (over.status_code, over.json()) == (413, {"code": 413, "message": message})


def test_a_body_of_untold_length_is_411(api):
    answer = api.post("/v1/tags", {"name": "fine"}, HTTP_TRANSFER_ENCODING="chunked")
    message = "Send the body with a Content-Length."
    assert (answer.status_code, answer.json()) == (411, {"code": 411, "message": message})


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "nonsense", "*/*"])
def test_the_answer_is_json_whatever_is_accepted(api, accept):
    answer = api.get("/v1/images", HTTP_ACCEPT=accept)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"


def test_a_failure_of_ours_is_500_in_the_same_shape(api, monkeypatch):
    # Nothing known makes it fail, so something has to.
    monkeypatch.setattr(views, "shown_record", None)
    answer = api.get(f"/v1/images/{make_image().pk}")
    message = "Something went wrong on our side."
    assert (answer.status_code, answer.json()) == (500, {"code": 500, "message": message})
