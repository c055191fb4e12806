"""A client's side of request signing, written from the contract and not from our verification."""

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote

from rest_framework.test import APIClient

from taggedimages.identity.credentials import CredentialSet

HOST = "localhost:8443"


def signed(
    credentials: CredentialSet,
    method: str,
    path: str,
    query: list[tuple[str, str]] | None = None,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    at: datetime | None = None,
) -> dict[str, str]:
    """All headers of a request to `path` (percent-encoded as sent), with its signature."""
    date = (at or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
    sent = {"Host": HOST, "X-Sdk-Date": date, "Content-Type": "application/json"} | (headers or {})
    lower = {name.lower(): value.strip() for name, value in sent.items()}
    names = sorted(lower)
    path = "/".join(quote(segment, safe="~") for segment in unquote(path).split("/"))
    canonical = "\n".join(
        [
            method,
            path + ("" if path.endswith("/") else "/"),
            "&".join(f"{quote(k, safe='~')}={quote(v, safe='~')}" for k, v in sorted(query or [])),
            *[f"{name}:{lower[name]}" for name in names],
            "",
            ";".join(names),
            lower.get("x-sdk-content-sha256") or hashlib.sha256(body).hexdigest(),
        ]
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"SDK-HMAC-SHA256\n{date}\n{digest}"
    key = credentials.secret_key.encode()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    access = f"Access={credentials.access_key}, SignedHeaders={';'.join(names)}"
    return sent | {"Authorization": f"SDK-HMAC-SHA256 {access}, Signature={signature}"}


def send(
    method: str, path: str, headers: dict[str, str], body: bytes = b"", query: str = ""
) -> Any:
    """Send what was signed, or something else."""
    client = APIClient(raise_request_exception=False)
    content_type = headers.get("Content-Type", "")
    others = {name: value for name, value in headers.items() if name != "Content-Type"}
    more: dict[str, Any] = {"data": body, "headers": others, "QUERY_STRING": query}
    return client.generic(method, path, content_type=content_type, **more)
