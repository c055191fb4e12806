"""The header `Idempotency-Key`: what it may be, whose a key is, and what was asked with it."""

import hashlib
import re
from typing import Any
from urllib.parse import unquote_plus

from rest_framework.exceptions import ParseError
from rest_framework.request import Request

from taggedimages.identity.addresses import client_address
from taggedimages.identity.kept_answers import Keyed
from taggedimages.identity.models import User

HEADER = "HTTP_IDEMPOTENCY_KEY"
MAX_KEY_CHARACTERS = 255
# A string of structured fields (RFC 8941, 3.3.3) of visible characters, or these without quotes.
QUOTED = re.compile(r'"((?:[!#-\[\]-~]|\\["\\])*)"')
BARE = re.compile(r"[!#-~][!-~]*")
ESCAPED = re.compile(r"\\(.)")
BAD_KEY = (
    f"Idempotency-Key is 1 to {MAX_KEY_CHARACTERS} visible characters of ASCII, in double quotes "
    "or without."
)
# A token in the query says who asks and not what, and may be another one by now.
CREDENTIAL = "token"
BOUNDARY = re.compile(r';\s*boundary=(?:"([^"]*)"|([^;\s]*))', re.IGNORECASE)


def key_in(header: str) -> str:
    r"""The key that a header holds. Raises ParseError: what is not understood is never taken for
    no key.

    >>> key_in('"a\\"b"'), key_in('a"b'), key_in('"a,b"')
    ('a"b', 'a"b', 'a,b')
    """
    text = header.strip(" \t")
    if quoted := QUOTED.fullmatch(text):
        key = ESCAPED.sub(r"\1", quoted[1])
    else:
        key = text if BARE.fullmatch(text) else ""
    if not 1 <= len(key) <= MAX_KEY_CHARACTERS:
        raise ParseError(BAD_KEY)
    return key


def keyed_request(request: Request) -> Keyed:
    """Whose the request's key is and where it was sent, and what the request asks for.

    Raises ParseError.
    """
    key = key_in(request.META[HEADER])
    # A path may hold any character; before it and after it none is a null.
    scope = "\0".join([_caller(request), str(request.method), request.path_info, key])
    content_type, body = _content(request.META.get("CONTENT_TYPE", ""), request.body)
    asked = b"\0".join([_query(request.META.get("QUERY_STRING", "")), content_type, body])
    return Keyed(_digest(scope.encode("utf-8", "surrogatepass")), _digest(asked))


def _caller(request: Request) -> str:
    if not isinstance(request.user, User):
        return f"address {client_address(request.META)}"
    # Of several who act for one user, which: what they are let do differs.
    speaks_for: Any = getattr(request.auth, "speaks_for", "")
    return f"user {request.user.pk} {speaks_for}"


def _query(query: str) -> bytes:
    """The query string byte for byte, but for a token."""
    pairs = [pair for pair in query.split("&") if _name(pair) != CREDENTIAL]
    return "&".join(pairs).encode("latin-1", "replace")


def _name(pair: str) -> str:
    return unquote_plus(pair.partition("=")[0])


def _content(content_type: str, body: bytes) -> tuple[bytes, bytes]:
    """Content type and body byte for byte, but for the boundary between the parts of a form, which
    clients make up each time that they send it."""
    found = BOUNDARY.search(content_type)
    boundary = (found[1] or found[2] or "") if found else ""
    if found and boundary:
        content_type = content_type.replace(found[0], "")
        body = body.replace(boundary.encode("latin-1", "replace"), b"")
    return content_type.strip().lower().encode("latin-1", "replace"), body


def _digest(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()
