"""AK/SK signing (contract IMS, authentication)."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from taggedimages.dialects.ims.tests.requests import error, held, tags_url
from taggedimages.dialects.ims.tests.signer import HOST, send, signed
from taggedimages.factories import TESTS
from taggedimages.identity import credentials
from taggedimages.identity.models import User
from tags import tagging


def refused(response):
    assert (response.status_code, response.json()) == (401, error("IMG.0087", response))
    return response.json()["error"]["message"]


def test_a_signed_get(ada, image):
    url = tags_url(image)
    assert send("GET", url, signed(ada, "GET", url)).json() == {"tags": []}


def test_a_signed_body(ada, image):
    url, body = tags_url(image), json.dumps({"tag": {"key": "ü", "value": "v"}}).encode()
    assert send("POST", url, signed(ada, "POST", url, body=body), body).status_code == 204
    assert held(image) == [("ü", "v")]


def test_a_signed_delete_with_a_body(ada, image):
    tagging.tag(image, ["a"], TESTS)
    url, body = f"/v1/lab/cloudimages/{image.uuid}/tags/delete", b'{"tags": [{"key": "a"}]}'
    assert send("DELETE", url, signed(ada, "DELETE", url, body=body), body).status_code == 204
    assert held(image) == []


@pytest.mark.parametrize(
    "key",
    ["a/b", "two words", "~", "100%", "%2F", "ü", "ключ", "🩻", "a+b", "a;b=c", "(x)'*!", "a//b/"],
)
def test_any_key_in_the_path(ada, image, key):
    tagging.tag(image, [key], TESTS)
    url = tags_url(image, quote(key, safe=""))
    assert send("DELETE", url, signed(ada, "DELETE", url)).status_code == 204


def test_a_path_that_is_not_utf_8(ada, image):
    url = tags_url(image, "%FF")
    refused(send("DELETE", url, signed(ada, "DELETE", url)))


@pytest.mark.parametrize(
    "query",
    [
        [("name", "a b&c=d~/ü+"), ("limit", "5")],
        [("name", ""), ("id", "")],
        [("status", "active"), ("name", "b"), ("name", "a")],
    ],
)
def test_any_query(ada, query):
    text = "&".join(f"{quote(k, safe='~')}={quote(v, safe='~')}" for k, v in reversed(query))
    headers = signed(ada, "GET", "/v2/images", query)
    assert send("GET", "/v2/images", headers, query=text).status_code == 200


def test_header_values_are_trimmed_and_may_be_anything(ada):
    headers = signed(ada, "GET", "/v2/images", headers={"X-Note": "  two  words  "})
    assert send("GET", "/v2/images", headers).status_code == 200


def test_only_some_headers_signed(ada):
    headers = signed(ada, "GET", "/v2/images") | {"X-Late": "added by a proxy"}
    assert send("GET", "/v2/images", headers).status_code == 200


@pytest.mark.parametrize("body", [b"", b'{"tag": {"key": "a", "value": ""}}'])
def test_an_unsigned_payload(ada, image, body):
    url = tags_url(image)
    unsigned = {"X-Sdk-Content-Sha256": "UNSIGNED-PAYLOAD"}
    response = send("POST", url, signed(ada, "POST", url, body=body, headers=unsigned), body)
    assert response.status_code == (204 if body else 400)


def test_a_declared_hash_must_be_that_of_the_body(ada, image):
    url = tags_url(image)
    declared = {"X-Sdk-Content-Sha256": "0" * 64}
    headers = signed(ada, "POST", url, body=b"{}", headers=declared)
    assert "X-Sdk-Content-Sha256" in refused(send("POST", url, headers, b"{}"))


class TestTampering:
    """Each changes one thing after signing."""

    url = "/v2/images"

    def test_the_untouched_request_passes(self, ada):
        assert send("GET", self.url, signed(ada, "GET", self.url)).status_code == 200

    def test_method(self, ada, image):
        url = tags_url(image)
        refused(send("POST", url, signed(ada, "GET", url)))

    def test_path(self, ada):
        refused(send("GET", "/v2/cloudimages", signed(ada, "GET", self.url)))

    def test_query(self, ada):
        headers = signed(ada, "GET", self.url, [("limit", "5")])
        refused(send("GET", self.url, headers, query="limit=6"))
        refused(send("GET", self.url, headers))

    def test_body(self, ada, image):
        url = tags_url(image)
        refused(send("POST", url, signed(ada, "POST", url, body=b"{}"), b"{} "))

    @pytest.mark.parametrize(
        "changed",
        [
            {"Host": "127.0.0.1"},
            {"Host": HOST.partition(":")[0]},
            {"Content-Type": "text/plain"},
            {"X-Sdk-Date": (datetime.now(UTC) + timedelta(seconds=90)).strftime("%Y%m%dT%H%M%SZ")},
        ],
    )
    def test_a_signed_header(self, ada, changed):
        refused(send("GET", self.url, signed(ada, "GET", self.url) | changed))

    def test_a_signed_header_that_is_missing(self, ada):
        headers = signed(ada, "GET", self.url, headers={"X-Note": "x"})
        del headers["X-Note"]
        refused(send("GET", self.url, headers))

    def test_the_signature(self, ada):
        headers = signed(ada, "GET", self.url)
        last = "0" if headers["Authorization"][-1] != "0" else "1"
        refused(
            send("GET", self.url, headers | {"Authorization": headers["Authorization"][:-1] + last})
        )

    def test_the_access_key(self, ada, eve):
        headers = signed(ada, "GET", self.url)
        other = headers["Authorization"].replace(ada.access_key, eve.access_key)
        refused(send("GET", self.url, headers | {"Authorization": other}))


@pytest.mark.parametrize("minutes", [-14, 14])
def test_within_fifteen_minutes(ada, minutes):
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    assert send("GET", "/v2/images", signed(ada, "GET", "/v2/images", at=at)).status_code == 200


@pytest.mark.parametrize("minutes", [-16, 16, -60 * 24 * 365])
def test_further_away(ada, minutes):
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    refused(send("GET", "/v2/images", signed(ada, "GET", "/v2/images", at=at)))


@pytest.mark.parametrize("date", ["", "now", "2026-01-02T03:04:05Z", "99999999T999999Z", "é"])
def test_a_date_that_is_none(ada, date):
    refused(send("GET", "/v2/images", signed(ada, "GET", "/v2/images") | {"X-Sdk-Date": date}))


@pytest.mark.parametrize(
    "authorization",
    [
        "SDK-HMAC-SHA256",
        "SDK-HMAC-SHA256 Access=, SignedHeaders=, Signature=",
        "SDK-HMAC-SHA256 Access=a, SignedHeaders=host, Signature=xyz",
        "SDK-HMAC-SHA256 Access=a, SignedHeaders=host, Signature=" + "é" * 64,
        "SDK-HMAC-SHA256 Access=a, SignedHeaders=;;, Signature=" + "0" * 64,
        "SDK-HMAC-SM3 Access=a, SignedHeaders=host, Signature=" + "0" * 64,
        "Bearer x",
    ],
)
def test_a_header_that_cannot_be_read(ada, authorization):
    headers = signed(ada, "GET", "/v2/images") | {"Authorization": authorization}
    refused(send("GET", "/v2/images", headers))


def test_an_unknown_key_is_told_as_a_wrong_signature(ada, eve):
    headers = signed(ada, "GET", "/v2/images")
    unknown = headers["Authorization"].replace(ada.access_key, "F" * 20)
    wrong = headers["Authorization"].replace(ada.access_key, eve.access_key)
    assert refused(send("GET", "/v2/images", headers | {"Authorization": unknown})) == refused(
        send("GET", "/v2/images", headers | {"Authorization": wrong})
    )


def test_a_key_without_a_secret_signs_nothing(ada):
    nobody = credentials.CredentialSet(**ada.as_dict() | {"access_key": "F" * 20, "secret_key": ""})
    refused(send("GET", "/v2/images", signed(nobody, "GET", "/v2/images")))


def test_revoked_keys_and_inactive_users(ada):
    user = User.objects.get(pk=ada.user_id)
    user.is_active = False
    user.save()
    refused(send("GET", "/v2/images", signed(ada, "GET", "/v2/images")))
    user.is_active = True
    user.save()
    credentials.revoke_all(user)
    refused(send("GET", "/v2/images", signed(ada, "GET", "/v2/images")))


def test_the_other_kind_of_key_signs_nothing_here(ada):
    other = ada.as_dict() | {"access_key": ada.secret_id, "secret_key": ada.secret}
    refused(
        send("GET", "/v2/images", signed(credentials.CredentialSet(**other), "GET", "/v2/images"))
    )
