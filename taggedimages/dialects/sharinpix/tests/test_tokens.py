"""Who is let in, how the token may be sent, and what comes back with every answer."""

import json
import re
import time
import uuid
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from django.test import override_settings
from rest_framework.test import APIClient

from taggedimages.dialects.sharinpix import tokens
from taggedimages.factories import make_credentials, make_image, unknown_uuid
from taggedimages.identity import credentials

from .conftest import assert_refused, client_of

pytestmark = pytest.mark.django_db
URL = "/api/v1/tag_images"


@pytest.fixture
def anybody() -> APIClient:
    return APIClient(raise_request_exception=False)


@pytest.mark.parametrize(
    "header",
    [
        'Token token="{}"',
        "Token token={}",
        "Token {}",
        "token {}",
        "Bearer {}",
        'Token token="{}", nonce="def"',
        'Token  token = "{}"',
    ],
)
def test_a_token_is_taken_in_every_known_form(anybody, sign, header):
    answer = anybody.get(URL, HTTP_AUTHORIZATION=header.format(sign(admin=True)))
    assert (answer.status_code, answer.json()) == (200, [])


def test_a_token_is_taken_from_the_query(anybody, sign):
    assert anybody.get(URL, {"token": sign(admin=True)}).status_code == 200
    assert_refused(anybody.get(URL, {"token": "nonsense"}))


@pytest.mark.parametrize(
    "header",
    [
        "Token",
        "Token token=",
        'Token token=""',
        "Basic YTpi",
        "Token a.b.c",
        "Token \x00",
        "é",
        "Token " + "a" * 9000,
        "Bearer opaque",
    ],
)
def test_what_is_no_token_is_refused(anybody, header):
    assert_refused(anybody.get(URL, HTTP_AUTHORIZATION=header))


def test_no_token_is_refused(anybody):
    assert_refused(anybody.get(URL))


@pytest.mark.parametrize("mode", ["open", "read-only", "none"])
def test_no_anonymous_mode_lets_anybody_in(anybody, mode):
    with override_settings(ANONYMOUS=mode):
        assert_refused(anybody.get(URL))


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": 1_500_000_000},
        {"exp": None},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"exp": "soon"},
        {"exp": {}},
        {"iat": 32_503_680_000},
        {"iat": "now"},
        {"nbf": 32_503_680_000},
    ],
)
def test_a_token_out_of_its_time_is_refused(client_with, claims):
    assert_refused(client_with(admin=True, **claims).get(URL))


def test_exp_is_optional_and_other_claims_may_have_any_shape(client_with):
    odd = {
        "aud": 7,
        "sub": 7,
        "jti": [],
        "abilities": [],
        "q": 7,
        "image_tag": "yes",
        "x": "\ud800",
    }
    assert client_with(**odd).get(URL).json() == []


@pytest.mark.parametrize("issuer", [None, 7, "", "\0", "\ud800", unknown_uuid(), {}, "é"])
def test_an_unknown_issuer_is_refused(org, issuer):
    claims = json.dumps({"iss": issuer, "admin": True}).encode()
    assert_refused(client_of(jwt.PyJWS().encode(claims, org.secret, "HS256")).get(URL))


@pytest.mark.parametrize("depth", [65, 900, 3000])
def test_claims_that_are_nested_too_deeply_are_refused(org, depth):
    claims = f'{{"iss": "{org.secret_id}", "x": {"[" * depth}{"]" * depth}}}'.encode()
    assert_refused(client_of(jwt.PyJWS().encode(claims, org.secret, "HS256")).get(URL))


@pytest.mark.parametrize("claims", [b"[]", b"7", b"{", b"", b"\xff"])
def test_claims_that_are_no_object_are_refused(org, claims):
    assert_refused(client_of(jwt.PyJWS().encode(claims, org.secret, "HS256")).get(URL))


def test_a_signature_must_be_of_the_issuers_secret(org):
    other = make_credentials(project_id="other")
    assert_refused(client_of(tokens.sign({"iss": org.secret_id}, other.secret)).get(URL))
    assert_refused(client_of(tokens.sign({"iss": other.access_key}, other.secret_key)).get(URL))


@pytest.mark.parametrize("algorithm", ["none", "HS384", "HS512"])
def test_only_hs256_is_taken(org, algorithm):
    key: Any = None if algorithm == "none" else org.secret * 2
    token = jwt.encode({"iss": org.secret_id, "admin": True}, key, algorithm)
    assert_refused(client_of(token).get(URL))


@pytest.mark.parametrize("headers", [{"typ": None}, {"cty": "application/json"}, {"kid": "x"}])
def test_the_header_may_carry_cty_and_lack_typ(org, headers):
    token = jwt.encode({"iss": org.secret_id, "q": "*"}, org.secret, "HS256", headers=headers)
    assert client_of(token).get(URL).status_code == 200


def test_a_revoked_secret_and_an_inactive_user_are_refused(org, ada, admin):
    ada.is_active = False
    ada.save()
    assert_refused(admin.get(URL))
    ada.is_active = True
    ada.save()
    credentials.revoke_all(ada)
    assert_refused(admin.get(URL))


# --- What comes back -----------------------------------------------------------------------------


def test_every_answer_to_a_valid_token_renews_it(org, client_with):
    claims = {"q": "*", "thumbnail_tags": True, "iss": org.secret_id}
    client = client_with(**claims, iat=1)
    before = int(time.time())
    for answer in (
        client.get(URL),
        client.get(f"/api/v1/images/{uuid.uuid4()}"),
        client.get(f"{URL}?image_ids[]=x"),
        client.post(URL),
        client.delete(f"{URL}/x"),
    ):
        token = answer["X-token"]
        renewed = jwt.decode(token, org.secret, ["HS256"])
        assert renewed == claims | {"iat": renewed["iat"], "exp": renewed["iat"] + 14_400}
        assert before <= renewed["iat"] <= time.time()
        assert list(renewed) == ["exp", "iat", "iss", "q", "thumbnail_tags"]
        assert token.startswith("eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.")
        # However often it is renewed: the first grant has no end.
        again = jwt.decode(client_of(token).get(URL)["X-token"], org.secret, ["HS256"])
        assert again == claims | {"iat": again["iat"], "exp": again["iat"] + 14_400}


@pytest.mark.parametrize("seconds", [60, 20_000])
def test_no_renewed_token_outlives_the_first_grant(org, client_with, seconds):
    claims = {"q": "*", "iss": org.secret_id}
    end = int(time.time()) + seconds
    client = client_with(**claims, exp=end)
    for _ in range(3):
        token = client.get(URL)["X-token"]
        renewed = jwt.decode(token, org.secret, ["HS256"])
        assert renewed["grant_exp"] == end
        assert renewed["exp"] == min(end, renewed["iat"] + 14_400)
        client = client_of(token)


def test_a_missing_right_gives_no_token_back(client_with, ada):
    image = make_image(by=ada)
    assert_refused(client_with(q="*").delete(f"/api/v1/images/{image.uuid}"))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", URL, 200),
        ("get", URL + "/", 200),
        ("delete", URL + "/x", 404),
        ("get", "/api/v1/nowhere", 404),
        ("get", "/api/v1", 404),
        ("patch", URL, 405),
        ("get", URL + "?image_ids[]=" + "&image_ids[]=".join(map(str, range(501))), 400),
    ],
)
def test_every_answer_carries_the_headers_of_the_sample(admin, method, path, status):
    answer = getattr(admin, method)(path)
    assert answer.status_code == status
    assert_headers(answer)


def test_a_refusal_carries_the_headers_of_the_sample(anybody):
    assert_headers(anybody.get(URL))
    assert_headers(anybody.post(URL, HTTP_TRANSFER_ENCODING="chunked"))
    assert_headers(anybody.get("/api/v1/nowhere"))


def assert_headers(answer) -> None:
    fixed = {
        "Cache-Control": "no-cache, no-store",
        "Pragma": "no-cache",
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "X-XSS-Protection": "1; mode=block",
        "X-Download-Options": "noopen",
        "X-Permitted-Cross-Domain-Policies": "none",
        "Referrer-Policy": "origin-when-cross-origin, strict-origin-when-cross-origin",
        "Vary": "Accept-Encoding",
    }
    assert {name: answer[name] for name in fixed} == fixed
    assert datetime.strptime(answer["Expires"], "%a, %d %b %Y %H:%M:%S %Z").replace(
        tzinfo=UTC
    ) < datetime.now(UTC)
    assert str(uuid.UUID(answer["X-Request-Id"])) == answer["X-Request-Id"]
    assert re.fullmatch(r"\d+\.\d{6}", answer["X-Runtime"])


def test_request_ids_differ(admin):
    assert admin.get(URL)["X-Request-Id"] != admin.get(URL)["X-Request-Id"]


def test_json_names_its_charset(admin):
    assert admin.get(URL)["Content-Type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize("path", ["/api/v1/nowhere", "/api/v1/", "/api/v1/tag_images/x/y"])
def test_an_unknown_route_is_an_empty_404(anybody, path):
    answer = anybody.get(path)
    assert (answer.status_code, answer.content, answer["Content-Type"]) == (404, b"", "text/html")


def test_a_wrong_method_is_an_empty_405(admin):
    answer = admin.put(URL, {})
    assert (answer.status_code, answer.content) == (405, b"")
    assert "Method" in answer["X-message"]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"{", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"image_ids": ["\xff"]}', "application/json"),
        (b'{"image_ids": NaN}', "application/json"),
        (b"[1]", "application/json"),
        (b'"x"', "application/json"),
        (b"x", "text/plain"),
        (b"x", "multipart/form-data"),
        (b"x", "multipart/form-data; boundary=y"),
        (
            b"&".join(b"image_ids[]=%d" % n for n in range(1500)),
            "application/x-www-form-urlencoded",
        ),
    ],
)
def test_a_body_that_cannot_be_read_is_a_400(admin, body, content_type):
    answer = admin.post("/api/v1/tags/a/tag_images", body, content_type=content_type)
    assert (answer.status_code, answer.content) == (400, b"")
    assert answer["X-message"].isascii()


@pytest.mark.parametrize(
    "ids", [[None, 7, {}, [], True, 1e300, "\x00", "\ud800", "x" * 10_000], {"a": 1}, 7, "x", True]
)
def test_ids_of_any_type_are_skipped(admin, ids):
    answer = admin.generic(
        "DELETE",
        "/api/v1/images",
        json.dumps({"image_ids": ids}),
        content_type="application/json",
    )
    assert (answer.status_code, answer.json()) == (200, [])


def test_too_many_fields_in_a_query_are_a_400(admin):
    query = "&".join(f"a{n}=1" for n in range(1500))
    assert admin.get(f"{URL}?{query}").status_code == 400
