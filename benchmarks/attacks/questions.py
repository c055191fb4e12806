"""What strangers ask: every route that lists, with every parameter, and in combinations."""

import random
import re
from collections.abc import Iterator
from urllib.parse import quote

from benchmarks.attacks.canaries import Canaries
from benchmarks.attacks.composing import JSON, Composer
from benchmarks.attacks.credentials import Caller
from benchmarks.attacks.prepare import NAMES
from benchmarks.attacks.routes import HOLE, Route
from benchmarks.attacks.wire import Service, request

SKIPPED = re.compile(r"/openapi\.json$|^/docs$|^/healthz$|^/readyz$|/tokens/|^/admin")
NDJSON = "application/x-ndjson"
TIMES = "0", "1", "4000000000"
# By the name of the parameter; for the others, numbers and the canaries' own words.
VALUES = {
    "limit": ("1", "2", "7", "100"),
    "page_size": ("1", "2", "7", "200"),
    "page": ("0", "1", "2", "3", "9"),
    "order": ("newest", "oldest", "largest", "smallest", "filename", "uploaded"),
    "ordering": ("name", "-name", "start_date", "-start_date", "end_date", "id", "-id"),
    "facets": ("tags",),
    "untagged": ("true", "false"),
    "uploaded_only": ("true", "false"),
    "format": ("png", "jpeg"),
    "visible": ("true", "false"),
    "status": ("active", "queued"),
    "include_ended": ("true",),
    "filters": ('{"listed": true}',),
    **{f"{end}_timestamp": TIMES for end in ("start", "end", "uploaded_start", "uploaded_end")},
    **{
        f"{end}_{what}": ("1", "60", "776999", "777049")
        for end in ("min", "max")
        for what in ("width", "height", "size")
    },
}


# What is asked, in words and in bytes.
Probe = tuple[str, bytes]


def paths_of_images(routes: list[Route], by: Caller | None) -> list[tuple[str, str]]:
    """Dialect and path of all that is said of one image, with a hole for its id."""
    project = by.project if by else "default"
    found = {}
    for route in routes:
        if "images/{}" in route.path and not SKIPPED.search(route.path):
            before, _, after = route.path.partition("images/{}")
            path = f"{before.replace(HOLE, project)}images/{HOLE}{after.replace(HOLE, NAMES[0])}"
            found[path] = route.dialect
    return [(dialect, path) for path, dialect in sorted(found.items())]


def probes(
    composer: Composer,
    service: Service,
    canaries: Canaries,
    caller: Caller | None,
    owner: Caller,
    many: int,
) -> Iterator[Probe]:
    """Every route that lists, with each value of each parameter, and then with several at once."""
    chance = random.Random(many)
    for route in composer.routes:
        if route.method != "GET" or SKIPPED.search(route.path):
            continue
        headers = caller.headers()[route.dialect] if caller else {}
        path = route.path
        for word in route.of_holes:
            value = {"tags": NAMES[0], "v2": caller.project if caller else owner.project}
            path = path.replace(
                HOLE,
                quote(
                    value.get(word) or chance.choice(composer.values.get(word) or ["1"]), safe=""
                ),
                1,
            )
        queries = {
            "",
            *(
                f"{name}={quote(value)}"
                for name in route.query
                for value in _values(name, canaries)
            ),
        }
        for _ in range(many if route.query else 0):
            names = chance.sample(route.query, min(len(route.query), chance.randrange(2, 5)))
            queries.add(
                "&".join(
                    f"{name}={quote(chance.choice(_values(name, canaries)))}" for name in names
                )
            )
        for query in sorted(queries):
            whole = f"{path}?{query}" if query else path
            yield f"GET {whole}", request(service, "GET", whole, None, **headers)
            if route.dialect == "v1" and chance.random() < 0.2:
                yield (
                    f"stream {whole}",
                    request(service, "GET", whole, None, Accept=NDJSON, **headers),
                )
    yield from _posts(service, canaries, caller)


def _posts(service: Service, canaries: Canaries, caller: Caller | None) -> Iterator[Probe]:
    """Questions that are asked in a body."""
    project = caller.project if caller else "default"
    word, told = canaries.word, caller.headers() if caller else {}
    sums = ", ".join(f'"{each}"' for each in canaries.checksums())
    asked = [("v1", "/v1/images/lookup", f'{{"sha256": [{sums}]}}')]
    for action in ("filter", "count"):
        for what in (
            f'"matches": [{{"key": "resource_name", "value": "{word}"}}]',
            f'"tags": [{{"key": "{canaries.tag(0)}", "values": []}}]',
            f'"not_tags_any": [{{"key": "{canaries.tag(0)}", "values": []}}]',
            f'"tags": [{{"key": "{NAMES[0]}", "values": []}}]',
            '"without_any_tag": true',
        ):
            path = f"/v2/{project}/images/resource_instances/action"
            asked.append(("ims", path, f'{{"action": "{action}", {what}}}'))
    for dialect, path, body in asked:
        data = request(
            service, "POST", path, body.encode(), Content_Type=JSON, **told.get(dialect, {})
        )
        yield f"POST {path} {body[:150]}", data


def _values(name: str, canaries: Canaries) -> tuple[str, ...]:
    own = (
        canaries.word,
        f"{canaries.word}-00.png",
        canaries.tag(0),
        f"{canaries.word}%",
        NAMES[0],
        "1",
    )
    return VALUES.get(name, own)
