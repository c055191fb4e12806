"""TAGGEDIMAGES_ANONYMOUS: what callers without credentials may do, over every route of /v1."""

import json

import pytest
from django.urls import URLResolver, get_resolver
from rest_framework.test import APIClient

from taggedimages.datasets.tests.releases import make_dataset, ready_image, released
from taggedimages.factories import make_credentials, make_image, make_tag
from taggedimages.identity.models import User

pytestmark = pytest.mark.django_db

READS = [
    "/v1/images",
    "/v1/images/{image}",
    "/v1/images/{image}/history",
    "/v1/images/{image}/facts",
    "/v1/images/{image}/similar",
    "/v1/tags",
    "/v1/tags/{tag}",
    "/v1/tags/{tag}/images",
    "/v1/tags/{tag}/related",
    "/v1/tags/suggest?q=kn",
    "/v1/search/images?exact_tags=knee",
    "/v1/images.ndjson",
    "/v1/tags/{tag}/images.ndjson",
    "/v1/search/images.ndjson?exact_tags=knee",
    "/v1/changes",
    "/v1/datasets",
    "/v1/contracts",
]
WRITES = [
    ("POST", "/v1/images", {"filename": "knee.png"}, 201),
    ("PUT", "/v1/images/{image}", {"tags": []}, 200),
    ("POST", "/v1/images/{image}/complete", None, 200),
    ("DELETE", "/v1/images/{image}", None, 204),
    ("POST", "/v1/upload", {"filename": "knee.png", "image_data": "AA=="}, 201),
    ("POST", "/v1/tags", {"name": "hand"}, 201),
    ("PUT", "/v1/tags/{tag}", {"name": "joint"}, 200),
    ("POST", "/v1/changes", {"query": {"untagged": True}, "operation": {"add": ["new"]}}, 202),
    ("POST", "/v1/datasets", {"name": "knees"}, 201),
    ("PUT", "/v1/contracts/sides", {"when": {"untagged": True}, "rules": [{"at_most": 0}]}, 201),
    ("POST", "/v1/tags/{tag}/merge", {"from": []}, 400),
    ("POST", "/v1/tags/{tag}/implications", {"parents": []}, 200),
    ("DELETE", "/v1/tags/{tag}/alias", None, 204),
    ("DELETE", "/v1/tags/{tag}", None, 204),
]
# Guarded by its own secret, not by who calls; and the document is for everybody.
OTHERS = {"hooks/s3", "openapi.json"}


@pytest.fixture
def ids() -> dict[str, int]:
    return {"image": make_image("knee").pk, "tag": make_tag("knee").pk}


def answered(client: APIClient, ids: dict[str, int]) -> tuple[list[int], list[int]]:
    """The statuses of every read and then of every write."""
    reads = []
    for path in READS:
        answer = client.get(path.format(**ids))
        reads.append(answer.status_code)
        # A stream keeps its place until it is read.
        assert list(answer)
    writes = [
        client.generic(
            method, path.format(**ids), json.dumps(body or {}), content_type="application/json"
        ).status_code
        for method, path, body, _ in WRITES
    ]
    return reads, writes


def test_open_lets_everybody_do_everything(api, ids, settings):
    settings.ANONYMOUS = "open"
    reads, writes = answered(api, ids)
    assert set(reads) == {200}
    # One after the other: the image and the tag are there until their deletion, which is last.
    assert writes == [status for *_, status in WRITES]


def test_read_only_lets_everybody_read(api, ids, settings):
    settings.ANONYMOUS = "read-only"
    reads, writes = answered(api, ids)
    assert (set(reads), set(writes)) == ({200}, {401})


def test_none_lets_nobody_in(api, ids, settings):
    settings.ANONYMOUS = "none"
    reads, writes = answered(api, ids)
    assert (set(reads), set(writes)) == ({401}, {401})


@pytest.mark.parametrize("policy", ["open", "read-only", "none"])
def test_whoever_has_a_token_may_do_everything(api_as, ids, settings, policy):
    settings.ANONYMOUS = policy
    reads, writes = answered(api_as(make_credentials("mira")), ids)
    assert set(reads) == {200}
    assert writes == [status for *_, status in WRITES]


def test_the_refusal_asks_for_a_token(api, settings):
    settings.ANONYMOUS = "none"
    answer = api.get("/v1/tags")
    assert sorted(answer.json()) == ["code", "message"]
    assert answer["WWW-Authenticate"] == "Bearer"


def test_a_login_to_the_admin_is_no_login_here(client, settings):
    """Sessions come with cookies, and cookies with forged requests."""
    settings.ANONYMOUS = "none"
    make_credentials("mira", staff=True)
    client.force_login(User.objects.get(username="mira"))
    assert client.get("/v1/tags").status_code == 401


def test_the_hook_goes_by_its_own_secret(api, settings):
    settings.ANONYMOUS, settings.HOOK_SECRET = "none", "shared"
    event: dict[str, list[str]] = {"Records": []}
    assert api.post("/v1/hooks/s3", event).status_code == 401
    assert api.post("/v1/hooks/s3", event, headers={"X-Hook-Secret": "shared"}).status_code == 204


@pytest.mark.parametrize(("policy", "status"), [("open", 200), ("read-only", 200), ("none", 401)])
def test_looking_up_checksums_is_reading(api, settings, policy, status):
    settings.ANONYMOUS = policy
    assert api.post("/v1/images/lookup", {"sha256": ["0" * 64]}).status_code == status


@pytest.mark.parametrize(("policy", "status"), [("open", 302), ("read-only", 302), ("none", 401)])
def test_the_file_of_an_image_is_for_who_may_read(api, settings, policy, status):
    settings.ANONYMOUS = policy
    assert api.get(f"/v1/images/{make_image(body=b'file').pk}/file").status_code == status


@pytest.mark.parametrize(("policy", "status"), [("open", 200), ("read-only", 401), ("none", 401)])
def test_making_an_alias_is_writing(api, ids, settings, policy, status):
    settings.ANONYMOUS = policy
    path = f"/v1/tags/{ids['tag']}/alias"
    assert api.post(path, {"of": make_tag("genu").pk}).status_code == status


@pytest.mark.parametrize("policy", ["read-only", "none"])
@pytest.mark.parametrize("method", ["get", "delete"])
def test_the_parts_of_an_upload_are_for_who_may_write(api, ids, settings, policy, method):
    settings.ANONYMOUS = policy
    assert getattr(api, method)(f"/v1/images/{ids['image']}/parts").status_code == 401


@pytest.mark.parametrize(
    ("policy", "read", "written"), [("open", 200, 202), ("read-only", 200, 401), ("none", 401, 401)]
)
def test_a_change_is_read_and_applied_by_who_may(api, ids, settings, policy, read, written):
    settings.ANONYMOUS = "open"
    body = {"query": {"untagged": True}, "operation": {"add": ["new"]}}
    change = api.post("/v1/changes", body).json()
    settings.ANONYMOUS = policy
    url = f"/v1/changes/{change['id']}"
    assert api.get(url).status_code == api.get(f"{url}/images").status_code == read
    lines = api.get(f"{url}/images.ndjson")
    assert (lines.status_code, list(lines) != []) == (read, read == 401)
    digest = {"digest": change["plan"]["digest"]}
    for verb, sent in (("apply", digest), ("stop", {}), ("resume", {})):
        assert api.post(f"{url}/{verb}", sent).status_code == written
    # It is planned no more, and not ended yet.
    assert api.delete(url).status_code == api.post(f"{url}/undo").status_code
    assert api.delete(url).status_code == (409 if policy == "open" else 401)


@pytest.mark.parametrize(
    ("policy", "read", "written"), [("open", 200, 422), ("read-only", 404, 401), ("none", 401, 401)]
)
def test_a_data_set_without_an_owner_is_for_who_may_make_such(api, settings, policy, read, written):
    """What was made without a login is nobody's in particular once such callers may not write."""
    settings.ANONYMOUS = "open"
    ready_image()
    url = f"/v1/datasets/{released(make_dataset('knees')).dataset.name}"
    settings.ANONYMOUS = policy
    release = f"{url}/releases/1"
    paths = [url, f"{url}/releases", release, f"{release}/statement", f"{release}/croissant"]
    paths += [f"{release}/diff?with=1", f"{release}/members?format=csv"]
    for path in paths:
        answer = api.get(path)
        assert answer.status_code == read
        # To its end: a stream that is left keeps its place.
        answer.getvalue()
    # Not found among its members, which is asked before who may write.
    urls = api.post(f"{release}/urls", {"ids": [1]}).status_code
    assert urls == (400 if policy == "open" else read)
    # Nothing is found.
    assert api.post(f"{url}/releases", {"query": {"filename": "none"}}).status_code == written
    for verb in ("retire", "verify"):
        done = api.post(f"{release}/{verb}", {}).status_code
        assert done == (200 if policy == "open" else 401)


@pytest.mark.parametrize(
    ("policy", "read", "written"), [("open", 200, 204), ("read-only", 404, 401), ("none", 401, 401)]
)
def test_a_contract_without_an_owner_is_for_who_may_make_such(api, settings, policy, read, written):
    settings.ANONYMOUS = "open"
    url = "/v1/contracts/sides"
    body = {"when": {"untagged": True}, "rules": [{"at_most": 0}]}
    assert api.put(url, body).status_code == 201
    settings.ANONYMOUS = policy
    paths = (url, f"{url}/versions", f"{url}/report")
    assert {api.get(path).status_code for path in paths} == {read}
    found = api.get("/v1/search/images", {"failing": "sides"}).status_code
    assert found == (400 if read == 404 else read)
    assert api.delete(url).status_code == written


def test_no_route_is_forgotten_here():
    tested = {path.split("?")[0] for path in READS} | {path for _, path, *_ in WRITES}
    # In one of those below.
    tested.remove("/v1/contracts/sides")
    shaped = {path.replace("{image}", "<str:id>").replace("{tag}", "<str:id>") for path in tested}
    routes = {
        f"/v1/{pattern.pattern}"
        for included in get_resolver().url_patterns
        if isinstance(included, URLResolver) and str(included.pattern) == "v1/"
        for pattern in included.url_patterns
    }
    apart = {"/v1/hooks/s3", "/v1/images/lookup"} | {
        f"/v1/images/<str:id>/{part}" for part in ("parts", "file")
    }
    change = "/v1/changes/<str:id>"
    parts = ("apply", "stop", "resume", "undo", "images", "images.ndjson")
    apart |= {change, *(f"{change}/{part}" for part in parts)}
    dataset = "/v1/datasets/<str:name>"
    release = f"{dataset}/releases/<str:number>"
    apart |= {dataset, f"{dataset}/releases", release}
    apart |= {f"{release}/{part}" for part in ("members", "urls", "croissant", "diff")}
    apart |= {f"{release}/{part}" for part in ("statement", "retire", "verify")}
    apart |= {f"{release}/{part}" for part in ("statement", "retire")}
    contract = "/v1/contracts/<str:name>"
    apart |= {contract, f"{contract}/versions", f"{contract}/report"}
    assert routes == shaped | apart
