"""POST /v3/auth/tokens and the version document."""

from datetime import UTC, datetime, timedelta

import pytest
from rest_framework.test import APIClient

from taggedimages.dialects.ims.tests.requests import error
from taggedimages.identity.models import Token

URL = "/v3/auth/tokens"


@pytest.fixture(autouse=True)
def _fast_hashes(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def anybody():
    client = APIClient(raise_request_exception=False)
    client.default_format = "json"
    return client


@pytest.fixture
def login(owner):
    """Ada, who can log in."""
    owner.set_password(" pass word ")
    owner.save()
    return owner


def asked(user, scope=None):
    identity = {"methods": ["password"], "password": {"user": user}}
    return {"auth": {"identity": identity} | ({"scope": scope} if scope else {})}


def by_name(**more):
    return {"name": "ada", "password": " pass word ", "domain": {"name": "Default"}} | more


def test_a_token_for_a_day(anybody, login):
    response = anybody.post(URL, asked(by_name(), {"project": {"id": "lab"}}))
    assert response.status_code == 201
    token = response.json()["token"]
    issued = datetime.strptime(token["issued_at"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    domain = {"id": "default", "name": "Default"}
    endpoints = [
        {
            "id": interface,
            "interface": interface,
            "url": "http://testserver",
            "region": "main",
            "region_id": "main",
        }
        for interface in ("public", "internal", "admin")
    ]
    assert token == {
        "methods": ["password"],
        "user": {
            "id": login.uuid.hex,
            "name": "ada",
            "domain": domain,
            "password_expires_at": None,
        },
        "project": {"id": "lab", "name": "lab", "domain": domain},
        "is_domain": False,
        "roles": [{"id": "member", "name": "member"}],
        "catalog": [{"id": "image", "type": "image", "name": "ims", "endpoints": endpoints}],
        "issued_at": token["issued_at"],
        "expires_at": f"{issued + timedelta(hours=24):%Y-%m-%dT%H:%M:%S.%fZ}",
        "audit_ids": token["audit_ids"],
    }
    assert Token.objects.latest("id").expires_at == issued + timedelta(hours=24)


def test_the_token_opens_this_api(anybody, login):
    token = anybody.post(URL, asked(by_name())).headers["X-Subject-Token"]
    assert APIClient(HTTP_X_AUTH_TOKEN=token).get("/v2/images").status_code == 200


def test_a_user_by_id(anybody, login):
    for user_id in (str(login.pk), str(login.uuid), login.uuid.hex):
        user = {"id": user_id, "password": " pass word "}
        assert anybody.post(URL, asked(user)).status_code == 201


@pytest.mark.parametrize(
    "scope", [{"project": {"name": "lab", "domain": {"id": "x"}}}, {"project": {"id": "lab"}}, {}]
)
def test_the_own_project(anybody, login, scope):
    assert anybody.post(URL, asked(by_name(), scope)).status_code == 201


@pytest.mark.parametrize(
    ("user", "scope"),
    [
        (by_name(password="pass word"), None),
        (by_name(name="nobody"), None),
        ({"id": "999999", "password": " pass word "}, None),
        ({"id": "9" * 40, "password": " pass word "}, None),
        ({"password": " pass word "}, None),
        (by_name(), {"project": {"id": "other"}}),
        (by_name(), {"project": {"name": "other"}}),
    ],
)
def test_what_does_not_fit(anybody, login, user, scope):
    response = anybody.post(URL, asked(user, scope))
    assert (response.status_code, response.json()) == (401, error("IMG.0087", response))
    assert "X-Subject-Token" not in response.headers
    assert response.headers["WWW-Authenticate"].startswith("Keystone")


def test_users_without_a_password_and_inactive_ones(anybody, login, eve):
    assert anybody.post(URL, asked({"name": "eve", "password": ""})).status_code == 400
    assert anybody.post(URL, asked({"name": "eve", "password": "x"})).status_code == 401
    login.is_active = False
    login.save()
    assert anybody.post(URL, asked(by_name())).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"auth": None},
        {"auth": {"identity": {}}},
        {"auth": {"identity": {"methods": [], "password": {"user": by_name()}}}},
        {"auth": {"identity": {"methods": ["token"], "token": {"id": "x"}}}},
        asked(by_name(password=1)),
        asked(by_name(name="\0")),
        asked("ada"),
        asked(by_name(), "unscoped"),
        [],
    ],
)
def test_what_has_the_wrong_shape(anybody, login, body):
    response = anybody.post(URL, body)
    assert (response.status_code, response.json()) == (400, error("IMG.0001", response))


def test_an_empty_body(anybody):
    response = anybody.post(URL, b"", content_type="application/json")
    assert (response.status_code, response.json()) == (400, error("IMG.0007", response))


def test_a_stale_token_does_not_keep_one_from_logging_in(login):
    client = APIClient(HTTP_X_AUTH_TOKEN="stale")
    assert client.post(URL, asked(by_name()), format="json").status_code == 201


@pytest.mark.parametrize("url", ["/", "/v2/", "/v2"])
def test_versions_for_everybody(anybody, url):
    response = anybody.get(url, headers={"Accept": "application/json"})
    assert response.status_code == 300
    links = [{"rel": "self", "href": "http://testserver/v2/"}]
    assert response.json() == {"versions": [{"id": "v2.0", "status": "CURRENT", "links": links}]}
    assert response.headers["X-Request-Id"]


@pytest.mark.parametrize("accept", ["*/*", None])
def test_programs_that_want_anything(anybody, accept):
    response = anybody.get("/", headers={"Accept": accept} if accept else {})
    assert response.status_code == 300


def test_browsers_are_sent_to_the_documentation(anybody):
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    response = anybody.get("/", headers={"Accept": accept})
    assert (response.status_code, response.headers["Location"]) == (302, "/docs")
