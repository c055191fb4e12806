"""How large a body may be, judged by what its headers say, before a byte of it is read.

One rule for the web front, which reads bodies, and for the middleware, which other servers need.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.conf import settings

# Names and passwords; hashing a password takes time, so nobody may send a megabyte of them.
MAX_LOGIN_BODY_BYTES = 64 * 1024
LOGINS = {"/v3/auth/tokens", "/admin/login"}
# Python refuses to read numbers of thousands of digits.
MAX_LENGTH_DIGITS = 18


class Refusal(NamedTuple):
    """An answer in place of the application's: a status, and a sentence for the caller."""

    status: int
    message: str


# Where the web front leaves a refusal in a request's environ, for BoundedBody to answer.
REFUSAL = "taggedimages.refusal"


def limit_of(path: str) -> int:
    """The most bytes that a body sent to this path may have."""
    path = path.rstrip("/")
    if path in LOGINS:
        return MAX_LOGIN_BODY_BYTES
    if path == "/v1/upload":
        return int(settings.MAX_UPLOAD_BODY_BYTES)
    return int(settings.MAX_BODY_BYTES)


def refusal_of(path: str, environ: Mapping[str, Any]) -> Refusal | None:
    """Why the body that a WSGI environ announces is not read: 411 or 413."""
    if "HTTP_TRANSFER_ENCODING" in environ:
        return Refusal(411, "Send the body with a Content-Length.")
    length = environ.get("CONTENT_LENGTH") or "0"
    limit = limit_of(path)
    if not length.isdecimal() or len(length) > MAX_LENGTH_DIGITS or int(length) > limit:
        return Refusal(413, f"The body is too large: at most {limit} bytes.")
    return None
