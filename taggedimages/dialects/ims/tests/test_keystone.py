"""POST /v3/auth/tokens and the version document."""

from datetime import UTC, datetime, timedelta

import jsonschema  # type: ignore[import-untyped]
import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from taggedimages.dialects.ims.tests.requests import error
from taggedimages.factories import make_credentials
from taggedimages.identity.credentials import issue_token
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
            "id": f"{service}-{interface}",
            "interface": interface,
            "url": url,
            "region": "main",
            "region_id": "main",
        }
        for service, url in (
            ("image", "http://testserver"),
            ("identity", "http://testserver/v3"),
        )
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
        "catalog": [
            {"id": "image", "type": "image", "name": "ims", "endpoints": endpoints[:3]},
            {"id": "identity", "type": "identity", "name": "keystone", "endpoints": endpoints[3:]},
        ],
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
        (by_name(), {"domain": {"id": "default"}}),
        (by_name(), {"system": {"all": True}}),
        (by_name(), {"project": {"id": "lab"}, "OS-TRUST:trust": {"id": "x"}}),
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
        {"auth": {"identity": {"methods": ["totp"], "totp": {"id": "x"}}}},
        {"auth": {"identity": {"methods": ["token"], "password": {"user": by_name()}}}},
        {"auth": {"identity": {"methods": ["token"], "token": {"id": 1}}}},
        {"auth": {"identity": {"methods": ["application_credential"]}}},
        asked(by_name(password=1)),
        asked(by_name(name="\0")),
        asked("ada"),
        asked(by_name(), "lab"),
        asked(by_name(), ["unscoped"]),
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


IMAGES = {
    "id": "v2.0",
    "status": "CURRENT",
    "links": [{"rel": "self", "href": "http://testserver/v2/"}],
}
IDENTITY = {
    "id": "v3.10",
    "status": "stable",
    "updated": "2018-02-28T00:00:00Z",
    "links": [{"rel": "self", "href": "http://testserver/v3/"}],
    "media-types": [
        {"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}
    ],
}


@pytest.mark.parametrize(
    ("url", "status", "body"),
    [
        ("/", 300, {"versions": [IMAGES, IDENTITY]}),
        ("/v2/", 300, {"versions": [IMAGES]}),
        ("/v2", 300, {"versions": [IMAGES]}),
        ("/versions", 200, {"versions": [IMAGES]}),
        ("/v3/", 200, {"version": IDENTITY}),
        ("/v3", 200, {"version": IDENTITY}),
    ],
)
def test_versions_for_everybody(anybody, url, status, body):
    response = anybody.get(url, headers={"Accept": "application/json"})
    assert (response.status_code, response.json()) == (status, body)
    assert response.headers["X-Request-Id"]


def test_schemas_tell_what_an_image_has(anybody, ims, image):
    schema = anybody.get("/v2/schemas/image").json()
    shown = ims.get(f"/v2/images/{image.uuid}").json()
    assert shown.keys() == schema["properties"].keys()
    jsonschema.validate(shown, schema)
    changed = {name for name, one in schema["properties"].items() if not one.get("readOnly")}
    assert changed == {"name", "tags"}
    jsonschema.validate(ims.get("/v2/images").json(), anybody.get("/v2/schemas/images").json())


def by_token(token):
    return {"auth": {"identity": {"methods": ["token"], "token": {"id": token}}}}


def by_key(secret, **named):
    credential = {"secret": secret} | named
    methods = ["application_credential"]
    return {"auth": {"identity": {"methods": methods, "application_credential": credential}}}


def test_a_token_for_a_token(anybody, login, ada):
    response = anybody.post(URL, by_token(ada.token))
    assert response.status_code == 201
    assert response.json()["token"]["methods"] == ["token"]
    token = response.headers["X-Subject-Token"]
    assert APIClient(HTTP_X_AUTH_TOKEN=token).get("/v2/images").status_code == 200


def test_a_token_of_a_token_ends_with_it(anybody, owner):
    ends_at = timezone.now() + timedelta(minutes=5)
    response = anybody.post(URL, by_token(issue_token(owner, expires_at=ends_at)))
    assert response.json()["token"]["expires_at"] == f"{ends_at:%Y-%m-%dT%H:%M:%S.%fZ}"
    assert Token.objects.latest("id").expires_at == ends_at


def test_tokens_that_are_not_in_force_give_none(anybody, owner, ada):
    past = issue_token(owner, expires_at=timezone.now() - timedelta(seconds=1))
    make_credentials("ada", revoke=True)
    for token in ("unknown", past, ada.token):
        response = anybody.post(URL, by_token(token))
        assert (response.status_code, response.json()) == (401, error("IMG.0087", response))


def test_an_application_credential_is_an_access_key_with_its_secret(anybody, ada, owner):
    for named in (
        {"id": ada.access_key},
        {"name": ada.access_key, "user": {"name": "ada", "domain": {"id": "default"}}},
        {"name": ada.access_key, "user": {"id": owner.uuid.hex}},
    ):
        response = anybody.post(URL, by_key(ada.secret_key, **named))
        assert response.status_code == 201
        assert response.json()["token"]["project"]["id"] == "lab"


def test_application_credentials_that_do_not_fit(anybody, ada, eve):
    for asked in (
        by_key(eve.secret_key, id=ada.access_key),
        by_key("", id="unknown"),
        by_key(ada.secret, id=ada.secret_id),
        by_key(ada.secret_key, name=ada.access_key, user={"name": "eve"}),
        by_key(ada.secret_key, name=ada.access_key, user={"id": "7"}),
        by_key(ada.secret_key, id=ada.access_key) | {"scope": {"project": {"id": "other"}}},
    ):
        asked["auth"]["scope"] = asked.pop("scope", {})
        expected = 400 if not asked["auth"]["identity"]["application_credential"]["secret"] else 401
        assert anybody.post(URL, asked).status_code == expected
    make_credentials("ada", revoke=True)
    assert anybody.post(URL, by_key(ada.secret_key, id=ada.access_key)).status_code == 401


def test_an_unscoped_token_tells_no_project(anybody, login):
    response = anybody.post(URL, asked(by_name(), "unscoped"))
    assert response.status_code == 201
    assert not {"project", "catalog", "roles", "is_domain"} & response.json()["token"].keys()


def test_a_token_is_validated_for_who_is_logged_in(ims, ada, eve):
    told = ims.get(URL, headers={"X-Subject-Token": eve.token})
    assert told.status_code == 200
    assert told.headers["X-Subject-Token"] == eve.token
    token = told.json()["token"]
    assert (token["user"]["name"], token["project"]["id"]) == ("eve", "other")
    assert token["expires_at"].startswith("9999-")
    head = ims.head(URL, headers={"X-Subject-Token": eve.token})
    assert (head.status_code, head.content) == (200, b"")
    bare = ims.get(f"{URL}?nocatalog", headers={"X-Subject-Token": ada.token}).json()["token"]
    assert token.keys() - bare.keys() == {"catalog"}


def test_what_cannot_be_validated(anybody, ims, ada):
    assert ims.get(URL).status_code == 400
    for method in (ims.get, ims.head):
        assert method(URL, headers={"X-Subject-Token": "unknown"}).status_code == 404
    assert anybody.get(URL, headers={"X-Subject-Token": ada.token}).status_code == 401


@pytest.mark.parametrize("mode", ["none", "open"])
def test_guesses_are_counted_as_wrong_passwords(anybody, ims, ada, settings, mode):
    settings.ANONYMOUS, settings.RATE_LOGINS, settings.RATE_WRONG_PASSWORDS = mode, 0, 3
    guesses = [
        lambda: anybody.post(URL, by_token("guess")),
        lambda: anybody.post(URL, by_key("guess", id=ada.access_key)),
        lambda: ims.get(URL, headers={"X-Subject-Token": "guess"}),
    ]
    assert [guess().status_code for guess in guesses] == [401, 401, 404]
    for guess in guesses:
        answer = guess()
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")
    # Not even the right one, as with passwords; what is held already goes on.
    assert anybody.post(URL, by_token(ada.token)).status_code == 429
    assert ims.get("/v2/images").status_code == 200


@pytest.mark.parametrize("asked_for", [by_token("x"), by_key("x", id="x")])
def test_every_method_is_a_login(anybody, settings, asked_for):
    settings.ANONYMOUS, settings.RATE_LOGINS = "none", 2
    statuses = [anybody.post(URL, asked_for).status_code for _ in range(3)]
    assert statuses == [401, 401, 429]


def test_the_own_project_is_told(ims):
    own = ims.get("/v3/auth/projects").json()["projects"]
    assert [(one["id"], one["name"], one["enabled"]) for one in own] == [("lab", "lab", True)]
    assert ims.get("/v3/projects", {"name": "lab"}).json()["projects"] == own
    assert ims.get("/v3/projects", {"name": "other"}).json()["projects"] == []
    assert ims.get("/v3/projects", {"colour": "red"}).json()["projects"] == []
    assert ims.get("/v3/projects/lab").json() == {"project": own[0]}
    assert ims.get("/v3/projects/other").status_code == 403
    catalog = ims.get("/v3/auth/catalog").json()["catalog"]
    assert [service["type"] for service in catalog] == ["image", "identity"]


@pytest.mark.parametrize("accept", ["*/*", None])
def test_programs_that_want_anything(anybody, accept):
    response = anybody.get("/", headers={"Accept": accept} if accept else {})
    assert response.status_code == 300


def test_browsers_are_sent_to_the_documentation(anybody):
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    response = anybody.get("/", headers={"Accept": accept})
    assert (response.status_code, response.headers["Location"]) == (302, "/docs")


@pytest.mark.parametrize(
    "kind", ["member", "members", "metadefs/namespace", "metadefs/resource_type"]
)
def test_schemas_of_what_is_not_here(anybody, ims, kind):
    schema = anybody.get(f"/v2/schemas/{kind}").json()
    assert (schema["name"], schema["properties"]) == (kind.rpartition("/")[2], {})
    assert ims.get("/v2/schemas/unknown").status_code == 404
