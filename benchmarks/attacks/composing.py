"""Bad requests: something odd in one place of a route, and the rest as it should be."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from benchmarks.attacks import odd
from benchmarks.attacks.routes import HOLE, Route

Headers = list[tuple[str, str]]
PLACES = {"path": 20, "query": 30, "field": 25, "body": 8, "header": 8, "method": 3, "nothing": 6}
# Queries that no document names, too.
UNNAMED = (
    "page",
    "limit",
    "cursor",
    "q",
    "search",
    "o",
    "p",
    "all",
    "_changelist_filters",
    "format",
)
PAGE_SIZES = ("limit", "page_size")
JSON = "application/json"
# So that what costs most does not take most of the time: hashing passwords, and whole pages.
RARE = re.compile(r"/v3/auth/tokens|/docs$|/openapi\.json$|/admin/")


@dataclass(frozen=True)
class Sent:
    """A request, and what is odd about it: the place, and the name of the value."""

    route: Route
    place: str
    kind: str
    method: str
    data: bytes

    @property
    def about(self) -> str:
        """For a table."""
        return f"{self.method} {self.route.path}: {self.place} = {self.kind}"


@dataclass
class Composer:
    """Makes requests of chance."""

    chance: random.Random
    routes: list[Route]
    # Values that exist, by the word before them in a path.
    values: dict[str, list[str]]
    # Of several callers, by dialect, and the projects of these, in the same order.
    callers: dict[str, list[Headers]]
    projects: list[str]
    host: str

    def __post_init__(self) -> None:
        self.weights = [_weight(route) for route in self.routes]

    def compose(self) -> Sent:
        """The next one."""
        route = self.chance.choices(self.routes, self.weights)[0]
        place = self.chance.choices(list(PLACES), list(PLACES.values()))[0]
        if (place == "path" and not route.of_holes) or (place == "field" and not route.fields):
            place = "query"
        method, query, fields = route.method, self._query(route), dict(route.fields)
        login, project = self._caller(route)
        headers = [("Host", self.host), ("Content-Type", JSON), *login]
        path = self._path(route, project)
        kind = ""
        raw: bytes | None = None
        if place == "path":
            path, place, kind = self._odd_path(route, project)
        elif place == "query":
            query, place, kind = self._odd_query(route)
        elif place == "field":
            name = self.chance.choice(list(fields))
            kind, fields[name] = self._any(odd.VALUES)
            place = f"field {name}"
        elif place == "body":
            kind, raw = self._any(odd.BODIES)
            if self.chance.random() < 0.4:
                headers[1] = ("Content-Type", self.chance.choice(odd.CONTENT_TYPES))
        elif place == "header":
            name = self.chance.choice(list(odd.HEADERS))
            value = self.chance.choice(odd.HEADERS[name])
            headers = [each for each in headers if each[0] != name] + [(name, value)]
            place, kind = f"header {name}", value[:30]
        elif place == "method":
            kind = method = self.chance.choice(odd.METHODS)
        if raw is None:
            raw = _json(fields)
        return Sent(route, place, kind, method, _bytes(method, path + query, headers, raw))

    def plain(self, route: Route, headers: Headers) -> bytes:
        """A request to a route as it should be, with such a login."""
        told = [("Host", self.host), ("Content-Type", JSON), *headers]
        return _bytes(
            route.method, self._path(route) + self._query(route), told, _json(route.fields)
        )

    def _any(self, values: Mapping[str, odd.Value]) -> tuple[str, odd.Value]:
        return self.chance.choice(list(values.items()))

    def _caller(self, route: Route) -> tuple[Headers, str]:
        """Headers of a caller or, now and then, of nobody, and a project, mostly the caller's."""
        several = self.callers.get(route.dialect, [])
        at = self.chance.randrange(len(several) * 2 + 1) if several else 0
        login = several[at % len(several)] if at < len(several) * 2 else []
        its_own = self.chance.random() < 0.9
        return login, self.projects[at % len(several) if several and its_own else 0]

    def _value(self, word: str, project: str) -> str:
        known = [project] if word in ("v1", "v2") else self.values.get(word)
        return quote(self.chance.choice(known or ["1"]), safe="")

    def _path(self, route: Route, project: str = "") -> str:
        path = route.path
        for word in route.of_holes:
            path = path.replace(HOLE, self._value(word, project or self.projects[0]), 1)
        return path

    def _odd_path(self, route: Route, project: str) -> tuple[str, str, str]:
        at = self.chance.randrange(len(route.of_holes))
        kind, value = self._any(odd.QUOTED)
        path = route.path
        for number, word in enumerate(route.of_holes):
            path = path.replace(HOLE, value if number == at else self._value(word, project), 1)
        return path, f"path {at}", kind

    def _query(self, route: Route) -> str:
        # Pages are kept short: it is not their size that is tried.
        return "".join(f"?{name}=2" for name in PAGE_SIZES if name in route.query)

    def _odd_query(self, route: Route) -> tuple[str, str, str]:
        names = route.query if route.query and self.chance.random() < 0.9 else UNNAMED
        name = self.chance.choice(names)
        kind, value = self._any(odd.QUOTED)
        form = self.chance.random()
        if form < 0.04:
            return "?" + "&".join([f"{name}={value[:60]}"] * 300), f"query {name}", f"300 x {kind}"
        if form < 0.08:
            return f"?{value}", "query", kind
        query = f"?{name}={value}"
        if name not in PAGE_SIZES:
            query += "".join(f"&{name}=2" for name in PAGE_SIZES if name in route.query)
        if form < 0.35:
            # A second one, so that two conditions meet.
            query += f"&{self.chance.choice(names)}={self._any(odd.QUOTED)[1]}"
        return query, f"query {name}", kind


def _json(fields: dict[str, str]) -> bytes | None:
    if not fields:
        return None
    body = ", ".join(f'"{name}": {value}' for name, value in fields.items())
    return f"{{{body}}}".encode("utf-8", "surrogatepass")


def _weight(route: Route) -> int:
    return 1 if RARE.search(route.path) else 6


def _bytes(method: str, path: str, headers: Headers, body: bytes | None) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    told = {name for name, _ in headers}
    if body is not None and not told & {"Content-Length", "Transfer-Encoding"}:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + (body or b"")
