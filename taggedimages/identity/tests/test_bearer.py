"""`Authorization: Bearer` on /v1 (contract TIM, authentication)."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from images.models import Image
from taggedimages.factories import make_credentials, make_user
from taggedimages.identity import credentials
from taggedimages.identity.models import User

pytestmark = pytest.mark.django_db


def post_image(client: APIClient, **headers: str) -> Any:
    return client.post("/v1/images", {"filename": "knee.png"}, headers=headers)


def refusal(answer: Any) -> tuple[int, str, int, list[str]]:
    """Status, challenge, and the code and fields of the body."""
    body = answer.json()
    return answer.status_code, answer["WWW-Authenticate"], body["code"], sorted(body)


REFUSED = (401, "Bearer", 401, ["code", "message"])


def test_without_a_header_the_record_is_created_by_anonymous(api):
    record = api.get(f"/v1/images/{post_image(api).json()['id']}").json()
    assert record["created_by"] == "anonymous"
    assert Image.objects.get().created_by is None
    assert Image.objects.get().project.pk == "default"


def test_with_a_token_it_is_created_by_its_user_in_the_users_project(api_as):
    mira = api_as(make_credentials("mira", project_id="radiology"))
    record = mira.get(f"/v1/images/{post_image(mira).json()['id']}").json()
    assert record["created_by"] == "mira"
    assert Image.objects.get().project.pk == "radiology"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_may_be_in_any_case(api, scheme):
    token = make_credentials("mira").token
    assert post_image(api, Authorization=f"{scheme} {token}").status_code == 201
    assert Image.objects.get().created_by == User.objects.get(username="mira")


@pytest.mark.parametrize(
    "header",
    [
        "Bearer wrong",
        "Bearer",
        "Bearer ",
        "Bearer a b",
        "Token abc",
        "Basic bWlyYTptaXJh",
        "abc",
        "Bearer \u00e4\u00f6\u00ff",
        "Bearer " + "x" * 1024 * 1024,
    ],
    ids=lambda header: header[:20],
)
@pytest.mark.parametrize("path", ["/v1/images", "/v1/tags"])
def test_any_other_header_is_refused(api, header, path):
    assert refusal(api.get(path, headers={"Authorization": header})) == REFUSED


@pytest.mark.parametrize("raw", ["Bearer \0", "Bearer \u0080\u00fe", "Bearer \r\n"])
def test_bytes_that_are_no_text_are_refused(api, raw):
    """As a WSGI server hands them on: latin-1."""
    assert refusal(api.get("/v1/tags", HTTP_AUTHORIZATION=raw)) == REFUSED


def test_an_empty_header_is_no_header(api):
    assert api.get("/v1/tags", headers={"Authorization": ""}).status_code == 200


def test_an_expired_token_is_refused(api):
    past = timezone.now() - timedelta(seconds=1)
    token = credentials.issue_token(make_user("mira"), past)
    assert refusal(post_image(api, Authorization=f"Bearer {token}")) == REFUSED


def test_a_revoked_token_is_refused(api_as):
    old = make_credentials("mira")
    make_credentials("mira", revoke=True)
    assert refusal(post_image(api_as(old))) == REFUSED


def test_the_token_of_an_inactive_user_is_refused(api_as):
    mira = make_credentials("mira")
    User.objects.update(is_active=False)
    assert refusal(post_image(api_as(mira))) == REFUSED


def test_a_refused_token_changes_nothing(api):
    post_image(api, Authorization="Bearer wrong")
    assert not Image.objects.exists()


def test_a_bad_token_is_refused_before_the_body_is_judged(api):
    answer = api.post("/v1/tags", {"name": 1}, headers={"Authorization": "Bearer wrong"})
    assert refusal(answer) == REFUSED
