"""What is sent by each kind of attackers: requests, without a token unless it says so."""

import json
from dataclasses import dataclass
from typing import Any

from benchmarks.attacks.kinds import Attack, all_but, drip, hammer, only, sip
from benchmarks.attacks.wire import Service, request

FEW, THOUSAND, QUICK = 16, 1_000, 200
WRONG_ITEMS = 55_000
BODY_BYTES = 1 << 20
SLOW_BYTES = 1_000
CSRF = "a" * 32
JSON, FORM, NDJSON = "application/json", "application/x-www-form-urlencoded", "application/x-ndjson"


@dataclass(frozen=True)
class Kind:
    """Attackers that do the same."""

    name: str
    attack: Attack
    many: int = FEW


def kinds(
    service: Service, image: dict[str, Any], project: str, headers: dict[str, dict[str, str]]
) -> list[Kind]:
    """All of them, against an image with many tags; `headers` are those of a login, by dialect."""

    def get(path: str, **named: str) -> bytes:
        return request(service, "GET", path, None, **named)

    def send(method: str, path: str, body: bytes, kind: str = JSON, **named: str) -> bytes:
        return request(service, method, path, body, Content_Type=kind, **named)

    tags = f"/v2/{project}/images/{image['uuid']}/tags"
    filler = b'{"name": "' + b"x" * (SLOW_BYTES - 12) + b'"}'
    slow_bodies = [
        send(method, path, filler)
        for method, path in (
            ("POST", "/v1/images"),
            ("POST", "/v1/upload"),
            ("POST", "/api/v2/image_tags"),
            ("PATCH", f"/api/v2/images/{image['id']}"),
            ("POST", "/api/v1/tags"),
            ("POST", tags),
            ("POST", "/v3/auth/tokens"),
            ("POST", "/admin/login/"),
        )
    ]
    slow_head = get("/v1/images?limit=10", X_Filler="x" * SLOW_BYTES)
    body = drip(*slow_bodies, at_once=all_but(SLOW_BYTES))
    head, reader = drip(slow_head, at_once=only(16)), sip(get("/v1/images?limit=100"))
    large = sip(get("/api/v2/images?page_size=1000"))
    items = b",".join([b'{"k": 123456789}'] * WRONG_ITEMS)
    wrong = {
        "v1": ("POST", "/v1/images", b'{"filename": "wrong.png", "tags": [%b]}'),
        "v1 lookup": ("POST", "/v1/images/lookup", b'{"sha256": [%b]}'),
        "v1 name not read": ("POST", "/v1/images", b'{"filename": "wrong.png", "unread": [%b]}'),
        "atmosphere": ("PATCH", f"/api/v2/images/{image['id']}", b'{"tags": [%b]}'),
        "sharinpix": ("POST", "/api/v1/tags/attack/tag_images", b'{"image_ids": [%b]}'),
        "ims": (
            "POST",
            f"/v2/{project}/images/resource_instances/action",
            b'{"action": "filter", "tags": [%b]}',
        ),
        "ims batch": ("POST", f"{tags}/action", b'{"action": "create", "tags": [%b]}'),
    }
    # In /v1 anybody may try.
    headers = headers | {"v1": {}}
    lists = [
        Kind(
            f"55,000 wrong items: {name}" + " with a token" * bool(headers.get(name.split()[0])),
            hammer(send(method, path, text % items, **headers.get(name.split()[0], {}))),
        )
        for name, (method, path, text) in wrong.items()
    ]
    return [
        Kind("bodies at a byte a second", body),
        Kind("headers at a byte a second", head),
        Kind("answers read at a byte a second", reader),
        Kind("large pages read at a byte a second", large),
        Kind("1,000 slow bodies", body, THOUSAND),
        Kind("1,000 slow headers", head, THOUSAND),
        Kind("1,000 slow readers", reader, THOUSAND),
        Kind("200 quick clients", hammer(get("/v1/images?limit=10")), QUICK),
        *lists,
        *(Kind(name, attack) for name, attack in _passwords(send, get).items()),
        Kind("patterns", hammer(*map(get, PATTERNS))),
        Kind("words", hammer(*map(get, WORDS))),
        Kind("facets", hammer(*map(get, FACETS))),
        Kind("streams read slowly", sip(get("/v1/images", Accept=NDJSON))),
        Kind("/readyz", hammer(get("/readyz"))),
        Kind("deep JSON", hammer(*(send("POST", path, text) for path in DEEP_AT for text in DEEP))),
        Kind("files that are not base64", hammer(send("POST", "/v1/upload", NOT_BASE64))),
        Kind("OpenAPI documents", hammer(get("/v1/openapi.json"), get("/docs"))),
        Kind("1,000 slow readers of large pages", large, THOUSAND),
        Kind(
            "image_tags of 1,000 tags",
            hammer(get(f"/api/v2/image_tags?image={image['id']}&page_size=1000")),
        ),
    ]


def _passwords(send: Any, get: Any) -> dict[str, Attack]:
    def keystone(name: str, password: str) -> bytes:
        user = {"name": name, "password": password, "domain": {"name": "Default"}}
        return json.dumps(
            {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}
        ).encode()

    several = [f"wrong-{number}" for number in range(50)]
    forms = [
        f"csrfmiddlewaretoken={CSRF}&username=admin&password={each}".encode() for each in several
    ]
    return {
        "wrong passwords: Keystone": hammer(
            *(send("POST", "/v3/auth/tokens", keystone("admin", each)) for each in several)
        ),
        "wrong passwords: Keystone, other names": hammer(
            *(send("POST", "/v3/auth/tokens", keystone(each, each)) for each in several)
        ),
        "wrong passwords: admin": hammer(
            *(
                send("POST", "/admin/login/", form, FORM, Cookie=f"csrftoken={CSRF}")
                for form in forms
            )
        ),
        "wrong passwords: Basic": hammer(
            get("/v1/images?limit=1", Authorization="Basic YWRtaW46d3Jvbmc="),
            get("/api/v2/images?page_size=1", Authorization="Basic YWRtaW46d3Jvbmc="),
        ),
    }


PATTERNS = (
    "/v1/search/images?match_tags=%25a%25%7C%25t%25%7C%250%25&limit=100",
    "/v1/search/images?match_tags=%251%25&not_tags=attack-001&order=filename",
    "/v1/images?filename=a&order=smallest&limit=100",
    "/v1/search/images?match_tags=%25tt%25k%25-%250%25",
)
WORDS = (
    "/api/v2/images?search=a+t+0&page_size=1000",
    "/api/v2/images?search=attacked+attack+png&ordering=name",
    "/api/v2/images?search=nothing+like+this",
    "/api/v2/images?tag_name=attack-001&search=1",
)
FACETS = ("/v1/images?facets=tags", "/v1/search/images?match_tags=attack%25&facets=tags")
DEEP_AT = "/v1/images", "/api/v2/image_tags", "/v3/auth/tokens"
DEEP = (
    b"[" * BODY_BYTES,
    b'{"a":' * (BODY_BYTES // 5),
    b'{"filename": "deep.png", "unread": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
)
NOT_BASE64 = b'{"filename": "big.png", "image_data": "' + b"AAAA" * 1_000_000 + b'!"}'
