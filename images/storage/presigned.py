"""Presigned URLs: what clients send files to, and read them from, without passing by here."""

import base64
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import parse_qsl, quote, urlsplit

from django.conf import settings

from images.storage import client
from images.storage.sigv4 import (
    AWS_ALGORITHM,
    PLAIN,
    UrlSigner,
    quoted,
)

# The store sends the bytes that it has, whatever whoever stored them said that they are.
AS_STORED = "response-content-encoding=identity"
# Each byte of a name, quoted for the header (RFC 8187), and then for the query.
IN_NAME = {byte: quoted(quote(bytes([byte]), safe="")) for byte in range(256)}
# The most that S3 takes in one form.
MAX_FORM_BYTES = 5 * 1024**3
# Of the URLs that are signed at present, where somebody wants to know.
_ends: ContextVar[list[float] | None] = ContextVar("ends", default=None)


@contextmanager
def noted_ends() -> Iterator[list[float]]:
    """When what is signed meanwhile ends, in epoch seconds."""
    ends: list[float] = []
    token = _ends.set(ends)
    try:
        yield ends
    finally:
        _ends.reset(token)


def _note_end(at: float) -> None:
    if (ends := _ends.get()) is not None:
        ends.append(at)


def presign_put(
    key: str,
    size: int | None = None,
    media_type: str = "",
    sha256: bytes = b"",
    seconds: int | None = None,
) -> str:
    """A URL that takes PUTs to `key`, bound to what is given: length, type, checksum.

    Type and checksum bind the headers of `put_headers`, which the client then has to send. It lives
    for PRESIGNED_SECONDS unless `seconds` says otherwise.
    """
    headers = put_headers(media_type, sha256) | ({"Content-Length": str(size)} if size else {})
    return _put(key, headers, seconds)


def presign_put_back(key: str, size: int, sha256: bytes) -> str:
    """A URL that takes these very bytes to `key`, and only while nothing is stored there.

    Binds `If-None-Match: *` besides the headers of `put_headers`, so that it replaces nothing; in a
    store that does not know conditional writes, nothing but by the same bytes.
    """
    headers = put_headers(sha256=sha256) | {"Content-Length": str(size), "If-None-Match": "*"}
    return _put(key, headers)


def _put(key: str, headers: dict[str, str], seconds: int | None = None) -> str:
    # Of this second: it takes its file for as long as the record says.
    signer = _signer(1, tuple(map(str.lower, headers)), seconds)
    return signer.url(key, "PUT", bound=list(headers.values()))


def presign_post(
    key: str, media_type: str, size: int | None = None, seconds: int | None = None
) -> tuple[str, dict[str, str]]:
    """A URL and the form fields that let one POST create `key`, answered 201 with XML.

    The store holds the form to exactly `size` bytes when that is given, and to `media_type`. It
    lives as long as a URL of `presign_put` does.
    """
    seconds = seconds or settings.PRESIGNED_SECONDS
    fields = {"success_action_status": "201", "Content-Type": media_type}
    _note_end(time.time() + seconds)
    form = client.public().generate_presigned_post(
        settings.S3_BUCKET,
        key,
        Fields=dict(fields),
        Conditions=[
            *({name: value} for name, value in fields.items()),
            ["content-length-range", size or 1, size or MAX_FORM_BYTES],
        ],
        ExpiresIn=seconds,
    )
    return form["url"], form["fields"]


def presign_get(
    key: str, media_type: str = "application/octet-stream", disposition: str = "attachment"
) -> str:
    """A URL that reads `key`, answered with this type and disposition whatever is stored.

    Unless a caller knows better, nothing is shown, so that a stored page or script never runs.
    """
    return presign_gets([key], media_type, disposition)[0]


def presign_gets(keys: Iterable[str], media_type: str, disposition: str) -> list[str]:
    """`presign_get` of several keys at one instant."""
    sign = _signer().sign
    pairs = [
        f"response-content-type={quoted(media_type)}",
        f"response-content-disposition={quoted(disposition)}",
    ]
    return [sign(key, "GET", pairs) for key in keys]


def sign_reads(method: str = "GET") -> Callable[..., str]:
    """`presign_get` for a page of files at one instant: of a key, media type, `inline` or
    `attachment`, the name to save it under, and whether it is bytes alone, or may have been stored
    with a Content-Encoding, which is then not believed. For GET or HEAD: neither takes the
    other's."""
    sign = _signer().sign

    def url(key: str, media_type: str, kind: str, filename: str, is_bare: bool) -> str:
        pairs = _reading(media_type, kind)
        name = filename if PLAIN(filename) else _in_query(filename)
        asked = [pairs[0], pairs[1] + name]
        return sign(key, method, asked if is_bare else [*asked, AS_STORED])

    return url


def _in_query(filename: str) -> str:
    # Two calls of `quote` would take a third of the time of a URL.
    return filename.encode().decode("latin-1").translate(IN_NAME)


@lru_cache(maxsize=256)
def _reading(media_type: str, kind: str) -> tuple[str, str]:
    saved_as = quoted(f"{kind}; filename*=UTF-8''")
    return f"response-content-type={quoted(media_type)}", f"response-content-disposition={saved_as}"


def put_headers(media_type: str = "", sha256: bytes = b"") -> dict[str, str]:
    """What a PUT must send where its URL was bound to a type or a checksum."""
    headers = {"Content-Type": media_type} if media_type else {}
    if sha256:
        headers["x-amz-checksum-sha256"] = base64.b64encode(sha256).decode()
    return headers


def presign_parts(key: str, upload_id: str, lengths: Mapping[int, int | None]) -> dict[int, str]:
    """URLs that each take a PUT of one part, by number, of just its length where that is known.

    Worthless once the upload is over.
    """
    any_length, one_length = _signer().url, _signer(binding=("content-length",)).url
    urls = {}
    for number, length in lengths.items():
        asked = {"partNumber": str(number), "uploadId": upload_id}
        urls[number] = (
            any_length(key, "PUT", **asked)
            if length is None
            else one_length(key, "PUT", [str(length)], **asked)
        )
    return urls


def public_origin() -> str:
    """The origin of all presigned URLs, such as `https://bucket.s3.amazonaws.com`: what a page that
    shows previews has to allow. Asks no store. Raises StorageUnavailable without credentials."""
    base = public_url()
    return f"{urlsplit(base).scheme}://{host_of(base)}"


def public_url() -> str:
    """The bucket as clients reach it, with a slash at the end. Raises StorageUnavailable."""
    return _base(client.public_endpoint_url(), settings.S3_BUCKET)


def worth(url: str) -> str:
    """What a URL of `presign_get` reads, under whose key, and in which window it was signed.

    Two URLs that are worth the same may stand for each other: with stable URLs they are equal,
    else they expire less than a quarter of their life apart.
    """
    address, _, signature = url.partition(f"X-Amz-Algorithm={AWS_ALGORITHM}")
    signed = dict(parse_qsl(signature))
    # A key that is replaced may be revoked before its URLs expire.
    access_key = signed["X-Amz-Credential"].partition("/")[0]
    signed_at = datetime.strptime(signed["X-Amz-Date"], "%Y%m%dT%H%M%S%z").timestamp()
    window = settings.PRESIGNED_STABLE_SECONDS or max(settings.PRESIGNED_SECONDS // 4, 1)
    return f"{address} {access_key} {int(signed_at) // window}"


def _signer(step: int = 0, binding: tuple[str, ...] = (), seconds: int | None = None) -> UrlSigner:
    seconds = seconds or settings.PRESIGNED_SECONDS
    # Within a window of stable URLs, all are signed at its beginning.
    step = step or max(settings.PRESIGNED_STABLE_SECONDS, 1)
    instant = int(time.time() // step * step)
    _note_end(instant + seconds)
    credentials = client.credentials()
    return _signer_at(
        client.public_endpoint_url(),
        settings.S3_BUCKET,
        instant,
        credentials.access_key,
        credentials.secret_key,
        credentials.token,
        binding,
        seconds,
    )


# What URLs are bound to comes in ten kinds.
@lru_cache(maxsize=16)
def _signer_at(
    endpoint_url: str,
    bucket: str,
    instant: int,
    access_key: str,
    secret_key: str,
    token: str | None,
    binding: tuple[str, ...],
    seconds: int,
) -> UrlSigner:
    base = _base(endpoint_url, bucket)
    return UrlSigner(
        base=base,
        host=host_of(base),
        region=settings.S3_REGION,
        access_key=access_key,
        secret_key=secret_key,
        session_token=token,
        instant=f"{datetime.fromtimestamp(instant, UTC):%Y%m%dT%H%M%SZ}",
        seconds=seconds,
        binding=binding,
    )


def host_of(url: str) -> str:
    """What clients send as Host to a URL: its name in lower case, and its port unless that is the
    scheme's own (RFC 9110, 7.2). An address of IPv6 keeps its brackets.

    >>> host_of("http://[::1]/"), host_of("https://me@Store.example:443/"), host_of("http://a:90")
    ('[::1]', 'store.example', 'a:90')
    """
    address = urlsplit(url)
    name = address.hostname or ""
    host = f"[{name}]" if ":" in name else name
    default_port = {"http": 80, "https": 443}.get(address.scheme)
    return host if address.port in (None, default_port) else f"{host}:{address.port}"


# The endpoint is asked for so that another one has an answer of its own.
@lru_cache(maxsize=8)
def _base(endpoint_url: str, bucket: str) -> str:
    """The URL of the bucket: boto3 knows how it is addressed."""
    with client.translated(local=True):
        url = client.public().generate_presigned_url(
            "get_object", Params={"Bucket": bucket, "Key": "key"}
        )
    return str(url.partition("key?")[0])
