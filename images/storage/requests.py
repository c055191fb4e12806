"""Requests for one object without boto3, which takes milliseconds of processor for each.

What is told here is so. Where nothing is, whatever the reason, boto3 is to ask once more: it tries
again as often as settings say, and has the words for what is wrong.
"""

import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache, lru_cache
from urllib.parse import urlsplit

import urllib3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import BotoCoreError, ReadTimeoutError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies
from django.conf import settings

from images.storage import client
from images.storage.presigned import host_of
from images.storage.sigv4 import UrlSigner
from taggedimages.monitoring import series

# How long a request may be on its way, and for how many seconds they are signed as of one instant.
SECONDS, SIGNED_SECONDS = 900, 60
# Connections of a process that are kept.
KEPT = 32
# The names that S3 gives to what is asked.
OPERATIONS = {
    "GET": "GetObject",
    "PUT": "PutObject",
    "HEAD": "HeadObject",
    "DELETE": "DeleteObject",
}
Headers = Mapping[str, str]


@contextmanager
def asked(
    method: str, key: str, body: bytes | None = None, headers: Headers | None = None
) -> Iterator[AWSResponse | None]:
    """The answer to a request for an object, the body of a GET yet to be read; None: none came.

    Headers that begin with `x-amz-` are signed. Raises StorageUnavailable where the store was
    waited for in vain, also while its answer is read.
    """
    headers = headers or {}
    bound = {name: value for name, value in headers.items() if name.startswith("x-amz-")}
    url = signer(tuple(bound)).sign(key, method, [], tuple(bound.values()))
    operation = "CopyObject" if "x-amz-copy-source" in bound else OPERATIONS[method]
    began, status = time.perf_counter(), 500
    answer = None
    try:
        with client.translated():
            answer = _answer(method, url, body, headers)
            status = answer.status_code if answer is not None else 500
            yield answer
    finally:
        if answer is not None:
            # One that was not read to its end is followed by no other on its connection.
            answer.raw.close()
        series.s3_took(operation, time.perf_counter() - began, failed=status >= 500)


def pieces(answer: AWSResponse, size: int) -> Iterator[bytes]:
    """The body of an answer, piece by piece, as far as it comes."""
    try:
        yield from answer.raw.stream(size)
    except urllib3.exceptions.ReadTimeoutError as error:
        raise ReadTimeoutError(endpoint_url=answer.url, error=error) from error
    except urllib3.exceptions.HTTPError:
        return


def _answer(method: str, url: str, body: bytes | None, headers: Headers) -> AWSResponse | None:
    request = AWSPreparedRequest(method, url, dict(headers), body, stream_output=method == "GET")
    try:
        return _session(
            settings.S3_ENDPOINT_URL, settings.S3_CONNECT_SECONDS, settings.S3_READ_SECONDS
        ).send(request)
    except client.TIMEOUTS:
        raise
    except BotoCoreError:
        return None


def signer(binding: tuple[str, ...] = ()) -> UrlSigner:
    """Signs requests to the store as this process reaches it, bound to the headers of these names
    besides Host."""
    found = client.credentials()
    return _signer_of(
        settings.S3_ENDPOINT_URL,
        settings.S3_BUCKET,
        (found.access_key, found.secret_key, found.token),
        binding,
        int(time.time()) // SIGNED_SECONDS,
    )


@lru_cache(64)
def _signer_of(
    endpoint_url: str,
    bucket: str,
    credentials: tuple[str, str, str | None],
    binding: tuple[str, ...],
    period: int,
) -> UrlSigner:
    base = _base(endpoint_url, bucket)
    access_key, secret_key, token = credentials
    return UrlSigner(
        base=base,
        host=host_of(base),
        region=settings.S3_REGION,
        access_key=access_key,
        secret_key=secret_key,
        session_token=token,
        instant=f"{datetime.fromtimestamp(time.time(), UTC):%Y%m%dT%H%M%SZ}",
        seconds=SECONDS,
        binding=binding,
    )


@cache
def _base(endpoint_url: str, bucket: str) -> str:
    with client.translated(local=True):
        url = client.store().generate_presigned_url(
            "get_object", Params={"Bucket": bucket, "Key": "key"}
        )
    return url.partition("key?")[0]


@cache
def _session(endpoint_url: str, connect_seconds: float, read_seconds: float) -> URLLib3Session:
    """Connections by boto3's own means, so that proxies and certificates are the same."""
    near = not endpoint_url or urlsplit(endpoint_url).hostname in client.LOOPBACK
    bundle = os.environ.get("AWS_CA_BUNDLE") or os.environ.get("REQUESTS_CA_BUNDLE")
    return URLLib3Session(
        verify=bundle or True,
        proxies={} if near else get_environ_proxies(endpoint_url),
        timeout=(connect_seconds, read_seconds),
        max_pool_connections=KEPT,
        # Else a small body waits 40 ms for the other side to say that it has the headers.
        socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
    )
