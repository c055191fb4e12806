"""Where requests may go: every route of the URL table, with what its OpenAPI document names."""

import itertools
import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.urls import URLResolver, get_resolver

from benchmarks.client import Client
from taggedimages.apis import APIS
from taggedimages.tests.access import anonymised
from taggedimages.tests.access import routes as url_table

DOCUMENTS = "/v1/openapi.json", "/api/v2/openapi.json", "/api/v1/openapi.json", "/v2/openapi.json"
# Bodies that no document describes, or as one of several.
TAGS = '[{"key": "example", "value": "example", "values": ["example"]}]'
FILTERS = ("tags", "tags_any", "not_tags", "not_tags_any")
UNDESCRIBED = {
    "POST /v1/hooks/s3": {
        "Records": '[{"eventName": "ObjectCreated:Put", "s3": {"object": {"key": "a", "size": 1}}}]'
    },
    "POST /v2/{}/images/resource_instances/action": {
        "action": '"filter"',
        **dict.fromkeys(FILTERS, TAGS),
        "without_any_tag": "false",
        "matches": '[{"key": "resource_name", "value": "example"}]',
        "limit": "10",
        "offset": '"0"',
    },
    "POST /v2/{}/images/{}/tags/action": {"action": '"create"', "tags": TAGS},
    "DELETE /v1/{}/cloudimages/{}/tags/delete": {"tags": TAGS},
    "DELETE /api/v1/images": {"image_ids": '["example"]'},
}
# These would end the sessions and tokens that the run itself uses.
SPARED = re.compile(
    r"POST /admin/identity/(user|token)/|(GET|POST) /admin/(logout|password_change)/"
)
# What stands for a value in the text of a path.
HOLE = "{}"


@dataclass(frozen=True)
class Route:
    """A method and a path with holes; its parameters by name, and example fields as JSON text."""

    method: str
    path: str
    query: tuple[str, ...] = ()
    fields: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def dialect(self) -> str:
        """Whose path it is."""
        return dialect(self.path)

    @cached_property
    def of_holes(self) -> tuple[str, ...]:
        """The word before each hole: it tells of what the value is an id or a name."""
        parts = self.path.split("/")
        return tuple(parts[at - 1] for at, part in enumerate(parts) if part == HOLE)


def dialect(path: str) -> str:
    """The API that answers a path."""
    if path.startswith("/admin"):
        return "admin"
    if path == "/":
        # Versions, which OpenStack's clients ask for.
        return "ims"
    return next(api.name for api in APIS if api.paths.match(path))


def routes(base: str) -> list[Route]:
    """All of them, in a fixed order; the documents are those of the service."""
    known: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {}
    client = Client(base)
    for path in DOCUMENTS:
        known |= _documented(json.loads(client.ask(path).body))
    client.close()
    table = {*url_table(), *known, *_admin()} - {"GET /admin/"}
    found = []
    for line in sorted(table):
        method, _, path = line.partition(" ")
        if SPARED.match(line) or path.startswith("/current"):
            continue
        query, fields = known.get(line, ((), {}))
        fields = fields or UNDESCRIBED.get(line, {})
        found.append(Route(method, path, query, fields))
        if path.startswith("/api/v2"):
            found.append(Route(method, f"/current{path}", query, fields))
    return found


def _documented(document: dict[str, Any]) -> dict[str, tuple[tuple[str, ...], dict[str, str]]]:
    found = {}
    for path, methods in document["paths"].items():
        for method, about in methods.items():
            parameters = about.get("parameters", [])
            query = tuple(each["name"] for each in parameters if each["in"] == "query")
            bodies = list(about.get("requestBody", {}).get("content", {}).values())
            schema = _resolved(bodies[0].get("schema", {}), document) if bodies else {}
            fields = {
                name: json.dumps(_example(_resolved(kind, document), document))
                for name, kind in schema.get("properties", {}).items()
            }
            found[f"{method.upper()} {anonymised(path)}"] = query, fields
    return found


def _resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref") or (schema.get("allOf") or [schema])[0].get("$ref")
    if not reference:
        return schema
    found: dict[str, Any] = document["components"]["schemas"][reference.rsplit("/", 1)[1]]
    return found


def _example(schema: dict[str, Any], document: dict[str, Any]) -> Any:
    """A value that fits, more or less."""
    if "enum" in schema:
        return schema["enum"][0]
    kinds = schema.get("type", "string")
    kind = kinds if isinstance(kinds, str) else kinds[0]
    if kind == "array":
        return [_example(_resolved(schema.get("items", {}), document), document)]
    if kind == "object":
        return {
            name: _example(_resolved(inner, document), document)
            for name, inner in schema.get("properties", {}).items()
        }
    return {"integer": 1, "number": 1.5, "boolean": True}.get(kind, "example")


def _admin() -> set[str]:
    """The pages of the admin, each for reading and for sending a form."""
    found = set()
    for resolver in get_resolver().url_patterns:
        if isinstance(resolver, URLResolver) and resolver.app_name == "admin":
            found = {anonymised(f"/{resolver.pattern}{path}") for path in _below(resolver)}
    pages = {page for page in found if "(" not in page}
    return {" ".join(each) for each in itertools.product(("GET", "POST"), pages)}


def _below(resolver: URLResolver) -> list[str]:
    found: list[str] = []
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            found += [f"{pattern.pattern}{path}" for path in _below(pattern)]
        else:
            found.append(str(pattern.pattern))
    return found
