"""What may not be in an answer, and the shape that an error has in each dialect."""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_to_bytes

from benchmarks.attacks.wire import Answer

# Of the inside: traces, SQL, paths of the host, signatures.
FORBIDDEN = re.compile(
    rb"Traceback|psycopg|\bdjango\.[a-z]+\.|SELECT |/site-packages/|AWSAccessKeyId|/home/|\.py\b|"
    rb"SQLSTATE|relation \"|column \"|RecursionError|UnicodeEncodeError|OperationalError"
)
SIGNED = re.compile(rb"https?://[^\"\s]*X-Amz-Signature=[^\"\s]*")
# Hyper answers by itself what is no HTTP: no body, whatever the path.
BEFORE_THE_SERVICE = {400, 408, 413, 414, 417, 431, 501, 505}


def leaks(answer: Answer, sent: bytes) -> str:
    """The text that should not be there; what the request itself said may be repeated."""
    body, sent = SIGNED.sub(b"", answer.body), sent + unquote_to_bytes(sent)
    for found in FORBIDDEN.finditer(body):
        if found[0] not in sent:
            return body[max(0, found.start() - 60) : found.end() + 60].decode("utf-8", "replace")
    if b"X-Amz-Signature" in body and b"X-Amz-Signature" not in sent:
        return "a signature outside a URL"
    return ""


def misshapen(dialect: str, answer: Answer) -> bool:
    """Whether an error has another shape than its dialect's."""
    if answer.status < 400 or (not answer.body and answer.status in BEFORE_THE_SERVICE):
        return False
    if dialect == "admin":
        return False
    try:
        return not SHAPES[dialect](answer)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return True


def _v1(answer: Answer) -> bool:
    said = json.loads(answer.body)
    return said["code"] == answer.status and isinstance(said["message"], str)


def _atmosphere(answer: Answer) -> bool:
    said: Any = json.loads(answer.body)
    return isinstance(said, dict) or (isinstance(said, list) and answer.status == 400)


def _ims(answer: Answer) -> bool:
    error = json.loads(answer.body)["error"]
    return error["code"].startswith("IMG.") and isinstance(error["message"], str)


def _sharinpix(answer: Answer) -> bool:
    return not answer.body and ("x-message" in answer.headers or answer.status not in (400, 401))


SHAPES: dict[str, Callable[[Answer], bool]] = {
    "v1": _v1,
    "atmosphere": _atmosphere,
    "ims": _ims,
    "sharinpix": _sharinpix,
}
