"""What a page of another origin is told by every door, by the web front and by Django alike."""

import json
import select
from collections.abc import Iterator

import jwt
import pytest
import requests

from taggedimages.factories import make_credentials, make_image
from taggedimages.serving.tests.conftest import SHORT, Front, running
from taggedimages.serving.tests.test_clients import request

pytestmark = pytest.mark.django_db(transaction=True)

PAGE, OTHER, LOCAL = "https://app.example.org", "https://evil.example", "http://localhost:5173"
ALLOW = "Access-Control-Allow-Origin"
DOORS = [
    "/v1/images",
    "/v1/upload",
    "/v1/openapi.json",
    "/v1/nothing/here",
    "/api/v1/tag_images",
    "/api/v1/openapi.json",
    "/api/v2/images",
    "/current/api/v2/images/",
    "/v2/images",
    "/v2/clinic/images/tags",
    "/v1/cloudimages",
    "/v3/auth/tokens",
    "/healthz",
    "/readyz",
    "/docs",
]


@pytest.fixture(scope="module")
def listed(environment) -> Iterator[Front]:
    """A front that lets in one origin, and a host at any port."""
    named = {
        "TAGGEDIMAGES_CORS_ORIGINS": f"{PAGE}, http://localhost:*",
        "TAGGEDIMAGES_ANONYMOUS": "read-only",
        "TAGGEDIMAGES_RATE_LOGINS": "1",
    }
    with running(environment | SHORT | named) as front:
        yield front
        while front.kept:
            front.kept.pop().close()


@pytest.fixture(scope="module")
def every(environment) -> Iterator[Front]:
    """A front that lets in everybody, behind HTTPS."""
    named = {"TAGGEDIMAGES_CORS_ORIGINS": "*", "TAGGEDIMAGES_HTTPS": "true"}
    with running(environment | SHORT | named) as front:
        yield front
        while front.kept:
            front.kept.pop().close()


def preflight(
    front: Front, path: str, origin: str = PAGE, asks: str = "PUT", headers: str = ""
) -> requests.Response:
    """The answer to the question that a browser asks before it sends what a page wants to send."""
    named = {"Access-Control-Request-Headers": headers} if headers else {}
    return front.request(
        "OPTIONS", path, headers={"Origin": origin, "Access-Control-Request-Method": asks, **named}
    )


def names(answer: requests.Response, header: str) -> set[str]:
    return {name.strip().lower() for name in answer.headers.get(header, "").split(",")}


class TestPreflight:
    @pytest.mark.parametrize("path", DOORS)
    @pytest.mark.parametrize("origin", [PAGE, LOCAL, "http://localhost"])
    def test_every_door_answers_before_a_login(self, listed: Front, path, origin):
        answer = preflight(listed, path, origin)
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers[ALLOW] == origin
        assert "origin" in names(answer, "Vary")
        assert "Access-Control-Allow-Credentials" not in answer.headers
        methods = {"get", "head", "post", "put", "patch", "delete", "options"}
        assert names(answer, "Access-Control-Allow-Methods") == methods

    def test_it_allows_what_clients_of_all_doors_send(self, listed: Front):
        wanted = {
            *("authorization", "content-type", "accept", "x-auth-token", "if-match"),
            *("if-none-match", "idempotency-key", "x-subject-token"),
            *("x-sdk-date", "x-sdk-content-sha256", "x-project-id"),
        }
        answer = preflight(listed, "/v1/images", headers=",".join(sorted(wanted)))
        assert wanted <= names(answer, "Access-Control-Allow-Headers")

    @pytest.mark.parametrize(
        "origin",
        [OTHER, "null", f"{PAGE}.evil.example", f"{PAGE}:444", "http://app.example.org", "::", ""],
    )
    def test_others_are_told_nothing(self, listed: Front, origin):
        for answer in (
            preflight(listed, "/v1/images", origin),
            listed.get("/v1/images", headers={"Origin": origin}),
        ):
            assert not [name for name in answer.headers if name.startswith("Access-Control")]
            assert "origin" in names(answer, "Vary")

    def test_no_limit_of_rate_counts_it(self, listed: Front):
        answers = [preflight(listed, "/v3/auth/tokens", asks="POST") for _ in range(5)]
        assert {answer.status_code for answer in answers} == {200}

    def test_neither_host_nor_body_nor_a_redirect_stands_in_its_way(self, every: Front):
        assert preflight(every, "/v1/images").status_code == 200
        asked = request(
            *("OPTIONS /v1/images", f"Origin: {PAGE}", "Access-Control-Request-Method: PUT"),
            *("Transfer-Encoding: chunked", "X-Host: nowhere.example"),
        )
        answer = every.ask(asked.replace(b"Host: localhost", b"Host: nowhere.example"))
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"connection: close" in answer.lower()

    def test_it_waits_for_no_thread(self, listed: Front, gates):
        with gates[0].silent():
            waiting = [listed.connect(request("GET /v1/images")) for _ in range(8)]
            assert preflight(listed, "/v1/images").status_code == 200
            # They all wait for the database still, in every thread that there is.
            assert not select.select(waiting, [], [], 0)[0]

    def test_an_options_that_is_no_preflight_is_the_views_business(self, listed: Front):
        answer = listed.request("OPTIONS", "/v1/images", headers={"Origin": PAGE})
        assert answer.status_code == 405
        assert answer.headers[ALLOW] == PAGE


class TestAnswers:
    def test_a_page_reads_what_it_asked_for(self, listed: Front):
        record = f"/v1/images/{make_image('knee').pk}"
        first = listed.get(record, headers={"Origin": PAGE})
        again = listed.get(record, headers={"Origin": PAGE, "If-None-Match": first.headers["ETag"]})
        head = listed.request("HEAD", record, headers={"Origin": PAGE})
        assert [answer.status_code for answer in (first, again, head)] == [200, 304, 200]
        for answer in (first, again, head):
            assert answer.headers[ALLOW] == PAGE
            assert {"origin", "authorization"} <= names(answer, "Vary")

    def test_a_cache_may_not_give_a_page_what_was_made_for_no_page(self, listed: Front):
        answer = listed.get(f"/v1/images/{make_image('knee').pk}")
        assert ALLOW not in answer.headers
        assert "origin" in names(answer, "Vary")

    def test_a_streamed_list_is_read_too(self, listed: Front):
        make_image("knee")
        answer = listed.get(
            "/v1/images", headers={"Origin": PAGE, "Accept": "application/x-ndjson"}
        )
        assert json.loads(answer.text.splitlines()[0])["filename"]
        assert answer.headers[ALLOW] == PAGE

    def test_what_headers_say_is_exposed(self, listed: Front):
        answer = listed.get("/v1/images", headers={"Origin": PAGE})
        assert names(answer, "Access-Control-Expose-Headers") >= {
            *("link", "etag", "x-token", "x-message", "x-request-id", "x-subject-token"),
            *("retry-after", "location", "www-authenticate", "idempotency-replayed"),
        }

    @pytest.mark.parametrize(
        ("method", "path", "options", "status"),
        [
            ("POST", "/v1/tags", {"json": {"name": "knee"}}, 401),
            ("GET", "/v1/images", {"headers": {"Authorization": "Bearer none"}}, 401),
            ("GET", "/v1/images/999999", {}, 404),
            ("GET", "/v1/nothing/here", {}, 404),
            ("OPTIONS", "/v1/images", {}, 405),
            ("GET", "/v1/images", {"headers": {"Host": "nowhere.example"}}, 400),
            ("POST", "/v1/tags", {"headers": {"Content-Length": "9999999"}}, 413),
            ("GET", "/api/v1/tag_images", {}, 401),
            ("GET", "/api/v1/nothing", {}, 404),
            ("GET", "/api/v2/nothing", {}, 404),
            ("GET", "/v2/clinic/images/tags", {}, 401),
            ("GET", "/v3/nothing", {}, 404),
            ("GET", "/healthz", {}, 200),
            ("GET", "/readyz", {}, 200),
        ],
    )
    def test_every_refusal_can_be_read(self, listed: Front, method, path, options, status):
        headers = {"Origin": PAGE, "Connection": "close", **options.pop("headers", {})}
        answer = listed.request(method, path, headers=headers, **options)
        assert (answer.status_code, answer.headers.get(ALLOW)) == (status, PAGE)
        assert "origin" in names(answer, "Vary")

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            (["Content-Length: 100"], 408),
            (["Transfer-Encoding: chunked"], 411),
            (["Content-Length: 1", "X-Name: kn\xefe"], 400),
        ],
    )
    def test_so_can_those_of_the_front(self, listed: Front, headers, status):
        answer = listed.ask(request("POST /v1/tags", f"Origin: {PAGE}", *headers))
        assert answer.startswith(b"HTTP/1.1 %d " % status)
        assert f"access-control-allow-origin: {PAGE}".encode() in answer.lower()

    def test_so_can_a_503(self, listed: Front, gates):
        with gates[0].closed():
            answer = listed.get("/v1/images", headers={"Origin": PAGE})
            ready = listed.get("/readyz", headers={"Origin": PAGE})
        for one in (answer, ready):
            assert (one.status_code, one.headers[ALLOW]) == (503, PAGE)
            assert one.headers["Retry-After"]

    def test_so_can_the_limit_of_logins(self, listed: Front):
        body = {"auth": {"identity": {"methods": ["password"], "password": {"user": {}}}}}
        answers = [
            listed.request("POST", "/v3/auth/tokens", json=body, headers={"Origin": PAGE})
            for _ in range(3)
        ]
        assert {answer.headers[ALLOW] for answer in answers} == {PAGE}

    def test_x_token_is_there_to_be_read(self, listed: Front):
        mira = make_credentials("mira")
        claims = {"iss": mira.secret_id, "admin": True}
        token = jwt.encode(claims, mira.secret, "HS256")
        answer = listed.get(
            "/api/v1/tags", headers={"Origin": PAGE, "Authorization": f'Token token="{token}"'}
        )
        assert answer.headers["X-token"]
        assert {"origin", "accept-encoding"} == names(answer, "Vary")


class TestEvery:
    @pytest.mark.parametrize("origin", [PAGE, OTHER, "null"])
    def test_all_are_let_in_and_none_with_credentials(self, every: Front, origin):
        for answer in (
            preflight(every, "/v1/images", origin),
            every.get("/healthz", headers={"Origin": origin}),
        ):
            assert (answer.status_code, answer.headers[ALLOW]) == (200, "*")
            assert "Access-Control-Allow-Credentials" not in answer.headers

    def test_a_redirect_to_https_says_so_too(self, every: Front):
        answer = every.get("/v1/images", headers={"Origin": PAGE})
        assert (answer.status_code, answer.headers[ALLOW]) == (301, "*")


class TestNone:
    @pytest.mark.parametrize("path", ["/v1/images", "/api/v2/images", "/healthz"])
    def test_nobody_is_let_in_where_nobody_is_named(self, front: Front, path):
        for answer in (
            preflight(front, path, asks="GET"),
            front.get(path, headers={"Origin": PAGE}),
        ):
            assert not [name for name in answer.headers if name.startswith("Access-Control")]

    @pytest.mark.parametrize("path", ["/admin/", "/admin/login/", "/static/taggedimages/docs.js"])
    def test_the_admin_is_no_api(self, listed: Front, every: Front, path):
        for one in (listed, every):
            for answer in (
                preflight(one, path, asks="POST"),
                one.get(path, headers={"Origin": PAGE}),
            ):
                assert not [name for name in answer.headers if name.startswith("Access-Control")]
