"""Values that no client means to send, and every position of a request that one can stand in."""

import json
from collections.abc import Iterator
from itertools import cycle
from typing import Any, NamedTuple

from taggedimages.http.docs import DOCUMENTS, schema_of
from taggedimages.tests.access import Subject, anonymised
from taggedimages.tests.matrix import Row

DIGITS = "9" * 5_000
# As JSON texts: some could not be written from Python values.
IN_JSON = (
    *(
        r'"\ud800"',
        r'"a\u0000b"',
        "1" + "0" * 30,
        "1e400",
        r'["\ud800"]',
        r'{"\ud800": ["\ud800"]}',
    ),
    *("true", f'"{DIGITS}"', "[null, true, 1e400, [], {}]", '"0001-01-01T00:00:00+14:00"', "NaN"),
)
# As they stand in a path or a query string.
IN_URL = ("%ED%A0%80", "%00", "1" + "0" * 30, DIGITS, "%FF", "1e400", "%5B" * 200, "%C2%B2", "_5F")
IN_HEADERS = ("\x00", "\xed\xa0\x80", "Bearer \xff", 'Token token="\xff"', "TOKEN \xed\xa0\x80")
HEADERS = ("Authorization", "X-Auth-Token", "X-Project-Id", "If-Match", "If-None-Match", "Accept")


class Sent(NamedTuple):
    """A request with one odd value in it."""

    method: str
    url: str
    body: str
    headers: dict[str, str]


def variants(row: Row, subject: Subject, headers: dict[str, str]) -> Iterator[Sent]:
    """The request of a row with odd values in each position: a path takes all of them, fields and
    parameters the worst two or three and then the others by turns."""
    operation = _operation(row.method, row.path)
    url, body = subject.fill(row.path), _body(row, operation, subject)
    for odd in _bodies(body) if row.method != "GET" else ():
        yield Sent(row.method, url, odd, headers)
    sent = json.dumps(body)
    for path in _paths(row.path):
        yield Sent(row.method, subject.fill(path), sent, headers)
    for query in _queries(operation, row.path):
        yield Sent(row.method, f"{url.partition('?')[0]}?{query}", sent, headers)
    for name, odd in zip(HEADERS, cycle(IN_HEADERS), strict=False):
        yield Sent(row.method, url, sent, headers | {name: odd})


def _operation(method: str, path: str) -> dict[str, Any]:
    """What the OpenAPI document of its API says of a route; {} for routes without one."""
    for folder in DOCUMENTS:
        document = schema_of(folder)
        for known, methods in document["paths"].items():
            if anonymised(known) == anonymised(path) and method.lower() in methods:
                found: dict[str, Any] = _resolved(methods[method.lower()], document)
                return found
    return {}


def _resolved(part: Any, document: dict[str, Any]) -> Any:
    """A part of a document with what it refers to in the place of the references."""
    if isinstance(part, list):
        return [_resolved(item, document) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        return _resolved(document["components"]["schemas"][name], document)
    return {name: _resolved(inner, document) for name, inner in part.items() if name != "responses"}


def _body(row: Row, operation: dict[str, Any], subject: Subject) -> Any:
    """A body with every field that the document knows, and those of the table as they are there."""
    contents = operation.get("requestBody", {}).get("content", {})
    body: dict[str, Any] = next(iter(contents.values()), {})
    made = _sample(body.get("schema", {}))
    told = json.loads(subject.fill(row.body)) if row.body else {}
    return made | told if isinstance(made, dict) else told


def _sample(schema: dict[str, Any]) -> Any:
    """A value with every field of a schema."""
    if several := schema.get("oneOf") or schema.get("anyOf") or schema.get("allOf"):
        made = [_sample(one) for one in several]
        return {name: value for one in made if isinstance(one, dict) for name, value in one.items()}
    if "properties" in schema:
        return {name: _sample(inner) for name, inner in schema["properties"].items()}
    if schema.get("type") == "array":
        return [_sample(schema.get("items", {}))]
    usual: dict[str, Any] = {"integer": 1, "number": 1, "boolean": True, "object": {}}
    return schema.get("enum", [usual.get(str(schema.get("type")), "x")])[0]


def _bodies(body: Any) -> Iterator[str]:
    turns = cycle(IN_JSON[2:])
    for path in _positions(body):
        for odd in (*IN_JSON[:2], next(turns), next(turns), next(turns)):
            yield _with(body, path, odd)
    for odd in IN_JSON:
        yield odd
        yield f'{json.dumps(body)[:-1]}{", " if body else ""}"\\ud800\\u0000": {odd}}}'


def _positions(part: Any) -> Iterator[tuple[Any, ...]]:
    inner: Any = enumerate(part) if isinstance(part, list) else ()
    inner = part.items() if isinstance(part, dict) else inner
    for name, value in inner:
        yield (name,)
        yield from ((name, *path) for path in _positions(value))


def _with(body: Any, path: tuple[Any, ...], odd: str) -> str:
    place = copy = json.loads(json.dumps(body))
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = "here"
    return json.dumps(copy).replace('"here"', odd)


def _paths(path: str) -> Iterator[str]:
    parts = path.split("/")
    for at, part in enumerate(parts):
        if "{" in part:
            yield from ("/".join([*parts[:at], odd, *parts[at + 1 :]]) for odd in IN_URL)


def _queries(operation: dict[str, Any], path: str) -> Iterator[str]:
    told = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
    written = [pair.partition("=")[0] for pair in path.partition("?")[2].split("&") if pair]
    turns = cycle(IN_URL[2:])
    for name in dict.fromkeys((*told, *written, "token", "image_ids", "tag")):
        yield from (f"{name}={odd}" for odd in (*IN_URL[:2], next(turns)))
        yield f"{name}%5B%5D=%00&{name}=x&{name}=%ED%A0%80&{name}[a]=1"
    yield "%ED%A0%80=%00&%00=%ED%A0%80"
