"""How often callers may do what is dear: the doors of each API, and what they answer (429)."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from taggedimages.dialects.sharinpix import tokens
from taggedimages.factories import make_credentials, make_image
from taggedimages.identity.credentials import CredentialSet

Clients = dict[str, APIClient]
MATCHES = {"matches": [{"key": "resource_name", "value": "knee"}]}
FILE = {"album_id": "a", "name": "a.png"}
NAME_ONLY = {"tags": [{"key": "knee", "values": []}]}


@pytest.fixture(autouse=True)
def _limited(settings: Any) -> None:
    settings.ANONYMOUS = "read-only"
    settings.RATE_SEARCHES = settings.RATE_UPLOADS = settings.RATE_ANONYMOUS_WRITES = 2


def clients_of(somebody: CredentialSet | None) -> Clients:
    """Of each API, with a login or none."""
    headers: dict[str, dict[str, Any]] = {"v1": {}, "atmosphere": {}, "ims": {}, "sharinpix": {}}
    if somebody:
        token = tokens.sign({"iss": somebody.secret_id, "admin": True}, somebody.secret)
        headers = {
            "v1": {"HTTP_AUTHORIZATION": f"Bearer {somebody.token}"},
            "atmosphere": {"HTTP_AUTHORIZATION": f"TOKEN {somebody.token}"},
            "ims": {"HTTP_X_AUTH_TOKEN": somebody.token},
            "sharinpix": {"HTTP_AUTHORIZATION": f'Token token="{token}"'},
        }
    made = {api: APIClient(raise_request_exception=False, **said) for api, said in headers.items()}
    for client in made.values():
        client.default_format = "json"
    return made


@pytest.fixture
def clients(ada: CredentialSet) -> Clients:
    """Ada's."""
    return clients_of(ada)


def assert_refused(api: str, answer: Any, what: str) -> None:
    assert answer.status_code == 429, answer.content
    assert 1 <= int(answer["Retry-After"]) <= 60
    message = f"Too many {what}: try again in {answer['Retry-After']} s."
    if api == "sharinpix":
        assert (answer.content, answer["X-message"]) == (b"", message)
        return
    assert (
        answer.json()
        == {
            "v1": {"code": 429, "message": message},
            "atmosphere": {"detail": message},
            "ims": {"error": {"code": "IMG.0001", "message": message}},
        }[api]
    )


def get(path: str) -> Callable[[APIClient], Any]:
    def asked(client: APIClient) -> Any:
        answer = client.get(path)
        # To its end: a stream that is left keeps its place.
        answer.getvalue()
        return answer

    return asked


def act(**asked: Any) -> Callable[[APIClient], Any]:
    path = "/v2/lab/images/resource_instances/action"
    return lambda client: client.post(path, asked)


EXPENSIVE = [
    ("v1", get("/v1/search/images?match_tags=kn%25")),
    ("v1", get("/v1/search/images?match_tags=knee")),
    ("v1", get("/v1/search/images?filename=knee")),
    ("v1", get("/v1/images?facets=tags")),
    ("v1", get("/v1/images.ndjson?filename=knee")),
    ("v1", get("/v1/search/images.ndjson?match_tags=kn%25")),
    ("v1", get("/v1/images?filename=knee")),
    ("atmosphere", get("/api/v2/images?search=knee")),
    ("atmosphere", get("/current/api/v2/images?search=knee")),
    ("ims", act(action="filter", **MATCHES)),
    ("ims", act(action="count", **MATCHES)),
    ("sharinpix", get("/api/v1/search?q=knee")),
    ("sharinpix", get("/api/v1/tags/autocomplete?q=kn")),
]
CHEAP = [
    ("v1", get("/v1/images")),
    ("v1", get("/v1/images?untagged=true&min_width=4")),
    ("v1", get("/v1/search/images?exact_tags=knee")),
    ("v1", get("/v1/search/images?any_tags=knee&not_tags=left")),
    ("v1", get("/v1/tags")),
    ("atmosphere", get("/api/v2/images?tag_name=knee")),
    ("atmosphere", get("/api/v2/images?featured=true")),
    ("atmosphere", get("/api/v2/image_tags")),
    ("ims", act(action="filter", **NAME_ONLY)),
    ("ims", act(action="count", without_any_tag=True)),
    ("ims", get("/v2/images?name=knee.png&tag=knee")),
    ("sharinpix", get("/api/v1/search")),
    ("sharinpix", get("/api/v1/albums/a/images")),
    ("sharinpix", get("/api/v1/tags")),
]


@pytest.mark.parametrize(("api", "search"), EXPENSIVE)
def test_expensive_searches_are_limited(clients: Clients, api: str, search: Any):
    make_image("knee")
    for _ in range(2):
        assert search(clients[api]).status_code == 200
    assert_refused(api, search(clients[api]), "expensive searches")


@pytest.mark.parametrize(("api", "ask"), CHEAP)
def test_lists_and_names_of_tags_are_not(clients: Clients, api: str, ask: Any):
    for _ in range(4):
        assert ask(clients[api]).status_code == 200


def test_one_count_for_all_apis_and_others_go_on(clients: Clients):
    for api, search in (EXPENSIVE[0], EXPENSIVE[5]):
        assert search(clients[api]).status_code == 200
    for api, search in EXPENSIVE:
        assert_refused(api, search(clients[api]), "expensive searches")
    bobs, nobodys = clients_of(make_credentials("bob", project_id="lab")), clients_of(None)
    for api, search in (EXPENSIVE[0], EXPENSIVE[9]):
        assert search(bobs[api]).status_code == 200
    for _ in range(2):
        assert get("/v1/images?facets=tags")(nobodys["v1"]).status_code == 200
    assert_refused("v1", get("/v1/images?facets=tags")(nobodys["v1"]), "expensive searches")


def test_a_bad_search_counts_for_nothing(clients: Clients):
    for _ in range(4):
        bad = clients["v1"].get("/v1/search/images?match_tags=knee&min_width=x")
        assert bad.status_code == 400
    assert EXPENSIVE[0][1](clients["v1"]).status_code == 200


UPLOADS = [
    ("v1", lambda client: client.post("/v1/images", {"filename": "a.png"}), 201),
    ("v1", lambda client: client.post("/v1/upload", {"filename": "a.png"}), 400),
    ("sharinpix", lambda client: client.post("/api/v1/storages/1/storage_files", FILE), 200),
]


@pytest.mark.parametrize(("api", "upload", "status"), UPLOADS)
def test_uploads_are_limited(clients: Clients, api: str, upload: Any, status: int):
    assert [upload(clients[api]).status_code for _ in range(2)] == [status] * 2
    assert_refused(api, upload(clients[api]), "uploads")
    assert clients["v1"].post("/v1/tags", {"name": "knee"}).status_code == 201


WRITES = [
    ("v1", lambda client: client.post("/v1/images", {"filename": "a.png"}), 401),
    ("v1", lambda client: client.put("/v1/tags/1", {"name": "a"}), 401),
    ("v1", lambda client: client.delete("/v1/images/1/parts"), 401),
    ("atmosphere", lambda client: client.post("/api/v2/tags", {"name": "a"}), 403),
    ("ims", lambda client: client.delete("/v2/lab/images/x/tags/y"), 401),
    ("sharinpix", lambda client: client.post("/api/v1/tags", {"name": "a"}), 401),
]


@pytest.mark.parametrize(("api", "write", "status"), WRITES)
def test_writes_without_a_login_are_limited(db: None, api: str, write: Any, status: int):
    client = clients_of(None)[api]
    assert [write(client).status_code for _ in range(2)] == [status] * 2
    assert_refused(api, write(client), "writes without a login")
    assert client.get("/v1/images").status_code == 200


def test_who_is_known_and_who_comes_from_elsewhere_go_on(clients: Clients):
    nobody = clients_of(None)["v1"]
    for _ in range(3):
        refused = nobody.post("/v1/tags", {"name": "knee"})
    assert refused.status_code == 429
    for _ in range(4):
        assert clients["v1"].post("/v1/tags", {"name": "knee"}).status_code == 201
    elsewhere = nobody.post("/v1/tags", {"name": "knee"}, REMOTE_ADDR="192.0.2.9")
    assert elsewhere.status_code == 401


def test_what_only_reads_or_has_a_secret_is_no_write(db: None, settings: Any):
    settings.HOOK_SECRET = "shared"
    nobody = clients_of(None)["v1"]
    for _ in range(4):
        assert nobody.post("/v1/images/lookup", {"sha256": ["0" * 64]}).status_code == 200
        event = nobody.post("/v1/hooks/s3", {"Records": []}, HTTP_X_HOOK_SECRET="shared")
        assert event.status_code in (204, 400)


def test_x_forwarded_for_is_believed_behind_a_proxy_only(db: None, settings: Any):
    nobody = clients_of(None)["v1"]

    def write(forwarded: str) -> int:
        answer = nobody.post("/v1/tags", {"name": "knee"}, HTTP_X_FORWARDED_FOR=forwarded)
        return int(answer.status_code)

    assert [write(f"192.0.2.{n}") for n in range(4)] == [401, 401, 429, 429]
    settings.BEHIND_PROXY = True
    assert [write(f"192.0.2.{n}, 198.51.100.1") for n in range(4)] == [401, 401, 429, 429]
    assert write("198.51.100.1, 192.0.2.7") == 401


def test_nothing_is_limited_where_all_are_let_in(clients: Clients, settings: Any):
    settings.ANONYMOUS = "open"
    nobody = clients_of(None)
    for _ in range(4):
        for api, search in EXPENSIVE:
            assert search(clients[api]).status_code == 200
        for api, upload, status in UPLOADS:
            assert upload(clients[api]).status_code == status
        assert WRITES[0][1](nobody["v1"]).status_code == 201


def test_zero_is_no_limit(clients: Clients, settings: Any):
    settings.RATE_SEARCHES = 0
    for _ in range(4):
        assert EXPENSIVE[0][1](clients["v1"]).status_code == 200
