"""What a WSGI application is told of a request, made of what ASGI tells."""

import sys
import time
from collections.abc import Iterable
from functools import lru_cache
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

from taggedimages.http.bodies import Refusal
from taggedimages.http.observing import BEGAN

Scope = dict[str, Any]
Environ = dict[str, Any]

BARE = {b"content-type": "CONTENT_TYPE", b"content-length": "CONTENT_LENGTH"}
# Sent twice, a header has both values (RFC 9110, 5.3); cookies have a sign of their own.
SEPARATORS = {"HTTP_COOKIE": "; "}

# What no token can have is a wrong token, which the API that is asked refuses as one.
CREDENTIALS = {b"authorization", b"x-auth-token", b"x-hook-secret"}

NOT_ASCII = Refusal(400, "Headers and addresses are in ASCII.")
TWO_LENGTHS = Refusal(400, "The body has two lengths.")
TWO_KEYS = Refusal(400, "Idempotency-Key is sent once.")


def path_of(scope: Scope) -> str:
    """PATH_INFO: the path without percent signs, its bytes as Latin-1 (PEP 3333)."""
    raw: bytes = scope["raw_path"]
    return (unquote_to_bytes(raw) if b"%" in raw else raw).decode("latin-1")


def environ_of(scope: Scope, path: str) -> tuple[Environ, Refusal | None]:
    """The environ of a request whose body is yet to come, and why it is refused if it is."""
    query: bytes = scope["query_string"]
    version = scope["http_version"]
    environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query.decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{version if '.' in version else f'{version}.0'}",
        "SERVER_NAME": scope["server"][0],
        "SERVER_PORT": scope["server"][1],
        "REMOTE_ADDR": scope["client"][0],
        "REMOTE_PORT": scope["client"][1],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        BEGAN: time.perf_counter(),
    }
    refusal = _add_headers(environ, scope["headers"])
    if refusal is None and not (query.isascii() and scope["raw_path"].isascii()):
        refusal = NOT_ASCII
    return environ, refusal


def _add_headers(environ: Environ, headers: Iterable[tuple[bytes, bytes]]) -> Refusal | None:
    """Add what a client sent; the reason where it may not be sent."""
    refusal = None
    for name, value in headers:
        # With an underscore it would pass for the header with a dash, which a proxy may have set.
        if b"_" in name:
            continue
        if not (value.isascii() or name in CREDENTIALS):
            refusal = NOT_ASCII
            continue
        key = _key(name)
        # Bytes as Latin-1 (PEP 3333).
        text = value.decode("latin-1")
        if key not in environ:
            environ[key] = text
        elif key == "HTTP_IDEMPOTENCY_KEY":
            # Joined, the two could pass for one; those who would ignore it may have it.
            refusal = TWO_KEYS if environ["REQUEST_METHOD"] == "POST" else refusal
        elif key != "CONTENT_LENGTH":
            environ[key] += SEPARATORS.get(key, ",") + text
        elif environ[key] != text:
            refusal = TWO_LENGTHS
    return refusal


# Clients may think of any name; most send the same few.
@lru_cache(maxsize=256)
def _key(name: bytes) -> str:
    return BARE.get(name) or "HTTP_" + name.decode("latin-1").upper().replace("-", "_")
