"""Contract Atmosphere, errors: nothing that is sent gets an answer of another shape, or a 500."""

import json

import pytest
from django.db import OperationalError

from taggedimages.factories import make_image

pytestmark = pytest.mark.django_db
WRITES = [("post", "image_tags"), ("post", "tags"), ("patch", "images/{}"), ("put", "images/{}")]


@pytest.fixture
def staff(login):
    return login("boss", staff=True)[0]


@pytest.mark.parametrize("root", ["/api/v2", "/current/api/v2"])
@pytest.mark.parametrize("path", ["", "/", "/nothing", "/images/1/tags", "/tags/1/2/", "/users/1"])
def test_unknown_routes(api, root, path):
    answer = api.get(root + path)
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize(
    "body", [b"{", b"", b"\xff", b"nul", b"[" * 5000, b'{"a":' * 100 + b"1" + b"}" * 100]
)
def test_what_is_not_json_is_told_as_detail(staff, method, path, body):
    path = f"/api/v2/{path}".format(make_image().pk)
    if not body:
        body = b" "
    answer = getattr(staff, method)(path, body, content_type="application/json")
    assert answer.status_code == 400
    assert list(answer.json()) == ["detail"]


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize("value", [[], [1], "text", 5, True, 1.5])
def test_a_body_that_is_no_object(staff, method, path, value):
    path = f"/api/v2/{path}".format(make_image().pk)
    answer = getattr(staff, method)(path, json.dumps(value), content_type="application/json")
    kind = type(value).__name__
    message = f"Invalid data. Expected a dictionary, but got {kind}."
    assert (answer.status_code, answer.json()) == (400, {"non_field_errors": [message]})


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_an_unknown_content_type(staff, method, path):
    path = f"/api/v2/{path}".format(make_image().pk)
    answer = getattr(staff, method)(path, "x", content_type="text/plain")
    assert answer.status_code == 415
    assert list(answer.json()) == ["detail"]


def test_a_number_of_thousands_of_digits(staff):
    body = '{"image": ' + "9" * 5000 + ', "tag": 1}'
    answer = staff.post("/api/v2/image_tags", body, content_type="application/json")
    assert answer.status_code == 400


def test_an_answer_is_json_whatever_is_accepted(api):
    for accept in ("text/html", "application/xml", "nonsense"):
        answer = api.get("/api/v2/images?format=html", headers={"Accept": accept})
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")


def test_a_body_too_large(staff, settings):
    settings.MAX_BODY_BYTES = 10
    answer = staff.post("/api/v2/tags", {"name": "x", "description": "y"})
    assert answer.status_code == 413
    assert list(answer.json()) == ["detail"]


def test_a_database_that_is_away(api, monkeypatch):
    from taggedimages.dialects.atmosphere import views

    def away(*args):
        raise OperationalError("connection refused")

    monkeypatch.setattr(views.TagViewSet, "get_queryset", away)
    answer = api.get("/api/v2/tags/1")
    assert answer.status_code == 503
    assert answer.json() == {"detail": "The database is unavailable."}
    assert answer.headers["Retry-After"] == "2"


def test_a_defect_of_ours(api, monkeypatch):
    from taggedimages.dialects.atmosphere import views

    def broken(*args):
        raise ZeroDivisionError

    monkeypatch.setattr(views.TagViewSet, "get_queryset", broken)
    answer = api.get("/current/api/v2/tags/1")
    assert answer.status_code == 500
    assert answer.json() == {"detail": "Something went wrong on our side."}


def test_options_and_head_are_answered(api, staff):
    image = make_image("knee")
    for path in ("images", f"images/{image.pk}", "image_tags", "tags", "tags/0", "tokens/x"):
        for client in (api, staff):
            assert client.options(f"/api/v2/{path}").status_code == 200
    assert api.head("/api/v2/images").status_code == 200
