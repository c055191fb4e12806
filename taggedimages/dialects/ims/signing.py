"""The signature of a request by access key and secret key (contract IMS, authentication).

It is computed again from what arrived, and the two are compared in constant time.
"""

import hashlib
import hmac
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote

from django.http import HttpRequest
from django.utils import timezone

from taggedimages.identity.credentials import signing_secret
from taggedimages.identity.models import SigningKey, User
from taggedimages.identity.signed_answers import Signature

SDK_ALGORITHM = "SDK-HMAC-SHA256"
SIGNATURE_TOLERANCE = timedelta(minutes=15)
UNSIGNED = "UNSIGNED-PAYLOAD"
AUTHORIZATION = re.compile(
    SDK_ALGORITHM + r" +Access=([^\s,]{1,64}), *SignedHeaders=([^\s,]+), *Signature=([0-9a-f]{64})"
)


class BadSignature(Exception):
    """The request is not signed as it should be; the text says what is wrong."""


def signer_of(request: HttpRequest) -> tuple[User, Signature]:
    """The user whose secret key signed the request, and with what. Raises BadSignature."""
    claim = AUTHORIZATION.fullmatch(request.headers.get("Authorization", "").strip())
    if claim is None:
        raise BadSignature("The Authorization header cannot be read.")
    access_key, signed_headers, signature = claim.groups()
    date = request.headers.get("X-Sdk-Date", "")
    signed_at = _instant(date)
    if abs(timezone.now() - signed_at) > SIGNATURE_TOLERANCE:
        raise BadSignature("X-Sdk-Date is more than 15 minutes from now.")
    # An unknown key costs as much as a wrong signature, and is told as one.
    user, secret = signing_secret(SigningKey.Kind.IMS, access_key) or (None, "")
    expected = [
        _signature(secret, date, _canonical(request, signed_headers, payload))
        for payload in _payloads(request)
    ]
    matches = [hmac.compare_digest(signature, one) for one in expected]
    if user is None or not any(matches):
        raise BadSignature("The signature does not fit the request.")
    digest = hashlib.sha256(signature.encode()).digest()
    return user, Signature(digest, signed_at + SIGNATURE_TOLERANCE)


def _signature(secret: str, date: str, canonical: bytes) -> str:
    text = "\n".join([SDK_ALGORITHM, date, hashlib.sha256(canonical).hexdigest()])
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def _instant(date: str) -> datetime:
    try:
        return datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise BadSignature("X-Sdk-Date must be like 20260102T030405Z.") from error


def _canonical(request: HttpRequest, signed_headers: str, payload: str) -> bytes:
    names = signed_headers.split(";")
    lines = [
        request.method or "",
        _path(request),
        _query(request),
        *(f"{name.lower()}:{_header(request, name)}" for name in names),
        "",
        signed_headers,
        payload,
    ]
    # WSGI gives the bytes of headers as Latin-1.
    return "\n".join(lines).encode("latin-1", "replace")


def _path(request: HttpRequest) -> str:
    path = quote(request.path, safe="/~")
    return path if path.endswith("/") else path + "/"


def _query(request: HttpRequest) -> str:
    # Latin-1 both ways keeps every byte as it is.
    pairs = parse_qsl(
        request.META.get("QUERY_STRING", ""), keep_blank_values=True, encoding="latin-1"
    )
    return "&".join(
        "=".join(quote(part, safe="~", encoding="latin-1") for part in pair)
        for pair in sorted(pairs)
    )


def _header(request: HttpRequest, name: str) -> str:
    value = request.headers.get(name)
    if value is None:
        raise BadSignature(f"The header {name} is signed but was not sent.")
    return value.strip()


def _payloads(request: HttpRequest) -> Iterator[str]:
    actual = hashlib.sha256(request.body).hexdigest()
    declared = request.headers.get("X-Sdk-Content-Sha256")
    if declared is None or not request.body:
        # Without a body, the vendor's signer leaves what is declared out of account.
        yield actual
    if declared is not None:
        if declared != UNSIGNED and declared != actual:
            raise BadSignature("X-Sdk-Content-Sha256 is not that of the body.")
        yield declared
