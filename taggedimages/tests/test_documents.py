"""What the OpenAPI documents of all APIs have in common, and that their defaults are accepted."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import jwt
import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from images.models import Facts, Image
from search.v1.streams import MEDIA_TYPES
from taggedimages.changes.models import State
from taggedimages.changes.tests.corpora import make_change, refs
from taggedimages.datasets.contracts.tests.examples import keep
from taggedimages.datasets.tests.releases import released
from taggedimages.factories import make_credentials, make_image, make_tag
from taggedimages.http.docs import DOCUMENTS, schema_of
from taggedimages.identity.models import User

METHODS = {"get", "put", "post", "patch", "delete"}
# The published document has getImage and deleteImage twice: /images/{id} keeps the names.
PUBLISHED = {
    "listImages": "GET /v1/images",
    "createImage": "POST /v1/images",
    "getImage": "GET /v1/images/{id}",
    "deleteImage": "DELETE /v1/images/{id}",
    "listTags": "GET /v1/tags",
    "createTag": "POST /v1/tags",
    "searchImages": "GET /v1/search/images",
    "uploadImage": "POST /v1/upload",
}
# What Python's regular expressions have and ECMA's have not, or mean otherwise.
NOT_ECMA = re.compile(
    r"""\(\?(?![:=!]|<[=!A-Za-z])|\\[AZzaQEGhHRK]|\[\[?:\w+:|[*+?}]\+|\\[-'"#&%~!@,;:<>= ]"""
)


def operations(folder: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The method, path and description of each operation of a document."""
    for path, item in schema_of(folder)["paths"].items():
        for method in sorted(METHODS & item.keys()):
            yield method, path, item[method]


def schemas(node: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of a document, by where it is."""
    if isinstance(node, dict):
        yield place, node
        for name, inner in node.items():
            yield from schemas(inner, f"{place}/{name}")
    elif isinstance(node, list):
        for number, inner in enumerate(node):
            yield from schemas(inner, f"{place}/{number}")


def resolved(folder: str, schema: dict[str, Any]) -> dict[str, Any]:
    """A schema, or the component that it refers to."""
    name = schema.get("$ref", "").rpartition("/")[2]
    return schema_of(folder)["components"]["schemas"][name] if name else schema


# --- What tools want -----------------------------------------------------------------------------


@pytest.mark.parametrize("folder", DOCUMENTS)
def test_every_array_says_what_is_in_it(folder):
    without = [
        place
        for place, node in schemas(schema_of(folder))
        if "array" in (node.get("type") or ()) and "items" not in node
    ]
    assert without == []


@pytest.mark.parametrize("folder", DOCUMENTS)
def test_every_pattern_is_a_regular_expression_of_ecma(folder):
    found = [node["pattern"] for _, node in schemas(schema_of(folder)) if "pattern" in node]
    patterns = [pattern for pattern in found if isinstance(pattern, str)]
    assert [pattern for pattern in patterns if NOT_ECMA.search(pattern)] == []
    if node := shutil.which("node"):
        script = f"for (const p of {json.dumps(patterns)}) new RegExp(p, 'u')"
        subprocess.run([node, "-e", script], check=True, timeout=60)


@pytest.mark.parametrize("pattern", [r"^(?s:.+)$", r"^(?P<a>b)$", r"\Aa\Z", "a++", r"[[:alpha:]]"])
def test_what_is_none_is_seen(pattern):
    assert NOT_ECMA.search(pattern)


@pytest.mark.parametrize("folder", DOCUMENTS)
def test_the_server_is_the_one_that_was_asked(client, settings, folder):
    settings.ALLOWED_HOSTS = ["images.example.org"]
    url = f"{folder}openapi.json"
    served = client.get(url, headers={"host": "images.example.org:8443"}).json()
    assert served["servers"] == [{"url": "http://images.example.org:8443"}]
    assert client.get(url, headers={"host": "elsewhere.example.org"}).status_code == 400


@pytest.mark.parametrize("folder", DOCUMENTS)
def test_every_tag_in_use_is_described_and_no_other(folder):
    declared = {tag["name"]: tag["description"] for tag in schema_of(folder)["tags"]}
    used = {tag for _, _, operation in operations(folder) for tag in operation["tags"]}
    assert declared.keys() == used
    assert all(declared.values())


@pytest.mark.parametrize("folder", DOCUMENTS)
def test_every_operation_has_an_id_of_its_own_and_says_who_may_call_it(folder):
    names = [operation["operationId"] for _, _, operation in operations(folder)]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII) for name in names)
    assert all("security" in operation for _, _, operation in operations(folder))


def test_published_operations_have_their_published_ids():
    names = {
        operation["operationId"]: f"{method.upper()} {path}"
        for method, path, operation in operations("/v1/")
    }
    assert PUBLISHED.items() <= names.items()
    assert all(re.fullmatch("[a-z]+([A-Z][a-z0-9]*)*", name) for name in names)


def test_lines_and_pages_have_schemas_of_their_own():
    for method, path, operation in operations("/v1/"):
        answers = operation["responses"].get("200", {}).get("content", {})
        if "/releases/" in path:
            # Chosen by a parameter, and so under one name.
            continue
        lines = [answers[name]["schema"] for name in MEDIA_TYPES if name in answers]
        lists_images = method == "get" and re.search(r"images(\.ndjson)?$", path) is not None
        assert len(lines) == len(MEDIA_TYPES) * lists_images, path
        assert all(schema["type"] == "string" for schema in lines)
        assert ("application/json" in answers) == (not path.endswith(".ndjson")) or not lines


# --- What is said to be accepted -----------------------------------------------------------------


# What an operation needs besides, so that nothing else is refused.
NEEDED: dict[str, dict[str, Any]] = {
    "GET /v1/search/images": {"any_tags": "knee"},
    "GET /v1/search/images.ndjson": {"any_tags": "knee"},
    "GET /v1/tags/suggest": {"q": "kn"},
    "GET /v1/datasets/{name}/releases/{number}/diff": {"with": 1},
}
BODIES: dict[str, dict[str, Any]] = {
    "POST /v1/images": {"filename": "new.png"},
    "PUT /v1/tags/{id}": {"name": "genu"},
    "POST /v1/changes": {"query": {"untagged": True}, "operation": {"add": ["new"]}},
    "POST /v1/changes/{id}/apply": {"digest": "sha256:0"},
    "PUT /v1/contracts/{name}": {"when": {"everything": True}, "rules": [{"at_most": 0}]},
    "POST /v1/datasets/{name}/releases": {"query": {"everything": True}},
    "POST /v2/{project_id}/images/resource_instances/action": {"action": "filter"},
}


def defaults(schema: dict[str, Any]) -> dict[str, Any]:
    """The defaults of the properties of an object."""
    properties = schema.get("properties", {})
    return {name: it["default"] for name, it in properties.items() if "default" in it}


def parameters_of(operation: dict[str, Any]) -> dict[str, Any]:
    """The defaults of the parameters in the query string."""
    return {
        parameter["name"]: parameter["schema"]["default"]
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "query" and "default" in parameter["schema"]
    }


def bodies_of(folder: str, operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The defaults of each kind of body."""
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = resolved(folder, content["schema"])
        for one in [schema, *schema.get("oneOf", ()), *schema.get("anyOf", ())]:
            if found := defaults(resolved(folder, one)):
                yield found


CASES = [
    (folder, method, path, query, body)
    for folder in DOCUMENTS
    for method, path, operation in operations(folder)
    for query in [parameters_of(operation)]
    for body in [*bodies_of(folder, operation), {}]
    if query or body
]


# The state of a change that is asked for what its path ends with.
STATES = {"apply": State.PLANNED, "undo": State.APPLIED}


def a_change(path: str, image: Image) -> int:
    """The id of a change that may be asked for this."""
    state = STATES.get(path.rpartition("/")[2], State.APPLYING)
    operation = {"add": refs("new")}
    return make_change(operation, [image], image.created_by, state=state, digest="sha256:0").pk


def a_release(image: Image) -> dict[str, Any]:
    """What names a release of one image in a path."""
    Image.objects.filter(pk=image.pk).update(processed_at=timezone.now())
    Facts.objects.create(image=image, format="png", sha256=b"1" * 32)
    release = released(by=image.created_by)
    return {"name": release.dataset.name, "number": release.number}


def written(value: Any) -> str:
    """A default as clients write it in a query string."""
    if isinstance(value, bool):
        return str(value).lower()
    return "|".join(value) if isinstance(value, list) else str(value)


@pytest.fixture
def callers(db: None) -> dict[str, dict[str, str]]:
    """Who may do everything in each API."""
    boss = make_credentials("boss", project_id="lab", staff=True)
    make_image("knee", by=User.objects.get(username="boss"))
    token = jwt.encode({"iss": boss.secret_id, "admin": True}, boss.secret, "HS256")
    atmosphere = {"Authorization": f"TOKEN {boss.token}"}
    return {
        "/v1/": {"Authorization": f"Bearer {boss.token}"},
        "/api/v2/": atmosphere,
        "/current/api/v2/": atmosphere,
        "/api/v1/": {"Authorization": f'Token token="{token}"'},
        "/v2/": {"X-Auth-Token": boss.token},
    }


@pytest.mark.parametrize("each", ["all", "one by one"])
@pytest.mark.parametrize(
    ("folder", "method", "path", "query", "body"),
    CASES,
    ids=[f"{case[1].upper()} {case[2]} {'body' if case[4] else 'query'}" for case in CASES],
)
def test_each_documented_default_is_accepted(callers, each, folder, method, path, query, body):
    image, tag, operation = Image.objects.get(), make_tag("knee"), f"{method.upper()} {path}"
    ids = {"project_id": "lab", "image_id": image.uuid, "tag": "knee", "key": "knee"}
    ids |= {"id": tag.pk if path.startswith("/v1/tags") else image.pk}
    if folder == "/api/v1/":
        ids["id"] = image.uuid
    if path.startswith("/v1/changes/"):
        ids["id"] = a_change(path, image)
    if path.startswith("/v1/datasets/"):
        ids |= a_release(image)
    if path.startswith("/v1/contracts/"):
        ids["name"] = keep({"at_most": 9}, by=image.created_by).contract.name
    address = re.sub(r"\{(\w+)\}", lambda found: quote(str(ids[found[1]])), path)
    more, needed = BODIES.get(operation, {}), NEEDED.get(operation, {})
    if path.endswith("/merge"):
        more = {"from": [make_tag("joint").pk]}
    both = [("query", name, value) for name, value in query.items()]
    both += [("body", name, value) for name, value in body.items()]
    for number, sent in enumerate([both] if each == "all" else [[one] for one in both]):
        if operation == "POST /v1/datasets":
            more = {"name": f"knees-{number}"}
        asked = {name: written(value) for kind, name, value in sent if kind == "query"}
        data = more | {name: value for kind, name, value in sent if kind == "body"}
        answer = APIClient().generic(
            method.upper(),
            address,
            json.dumps(data) if more or body else "",
            "application/json",
            QUERY_STRING=urlencode([*needed.items(), *asked.items()]),
            headers=callers[folder],
        )
        # To its end: a stream that is left keeps its place.
        assert answer.status_code < 300, (asked, data, answer.getvalue())
        answer.getvalue()
