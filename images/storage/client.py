"""The connection to the store, and its failures in this package's words."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from threading import Condition
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from boto3.exceptions import Boto3Error
from botocore.client import Config
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    FlexibleChecksumError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError
from django.conf import settings

from taggedimages.monitoring import series

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

LOOPBACK = {"127.0.0.1", "::1", "localhost"}
ABSENT = {"404", "NoSuchKey", "NotFound", "NoSuchUpload", "NoSuchCORSConfiguration"}
CHANGED = {"412", "PreconditionFailed"}
TIMEOUTS = (ConnectTimeoutError, ReadTimeoutError)
# How long one more waits for those who wait for the store, and nobody asks one that is away.
PATIENCE_SECONDS, REST_SECONDS = 0.5, 1.0
# What was sent, by what was said of it.
DAMAGED = {"BadDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch"}
# What botocore makes of an answer that makes no sense, such as a list with a flipped byte.
NONSENSE = (ResponseParserError, ValueError, KeyError)
OF_PARTS = "CompleteMultipartUpload"
REFUSED = {"InvalidPart", "InvalidPartOrder", "EntityTooSmall", "InvalidRequest"}


class StorageUnavailable(Exception):
    """The bucket did not answer, or not as it should."""


class Damaged(StorageUnavailable):
    """What went to the bucket or came from it is not what was sent."""


class PartsRefused(Exception):
    """The store does not make one object of these parts; the text says why."""


class Turnstile:
    """Lets so many threads of a process wait for the store at a time, so that a store that hangs
    leaves the others; who has waited in vain tells them.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._since: list[float] = []
        self._away_until = 0.0
        self._changed = Condition()

    @contextmanager
    def passed(self) -> Iterator[None]:
        """Count the present thread meanwhile. Raises StorageUnavailable, at once or soon."""
        began = time.monotonic()
        with self._changed:
            self._wait(began)
            self._since.append(began)
        try:
            yield
        finally:
            with self._changed:
                self._since.remove(began)
                self._changed.notify()

    def lose(self) -> None:
        """The store was waited for in vain: nobody asks it for a while."""
        with self._changed:
            self._away_until = time.monotonic() + REST_SECONDS
            self._changed.notify_all()

    def _wait(self, began: float) -> None:
        while True:
            now = time.monotonic()
            if now < self._away_until:
                raise StorageUnavailable("The object store has not answered others.")
            if len(self._since) < self.most:
                return
            # Where all have waited for longer, there is no use in waiting for one of them.
            if now >= min(began, max(self._since)) + PATIENCE_SECONDS:
                raise StorageUnavailable("The object store is waited for by others.")
            self._changed.wait(PATIENCE_SECONDS)


@contextmanager
def translated(*, local: bool = False) -> Iterator[list[str]]:
    """Turn botocore's failures into this module's; yields a list that is filled when absent.

    In processes that serve requests, few threads may be in one of these at a time; any may where
    what it does is `local`, and waits for no store.
    """
    absent: list[str] = []
    bounded = settings.SERVES_REQUESTS and not local
    try:
        with _turnstile().passed() if bounded else nullcontext():
            yield absent
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in REFUSED and error.operation_name == OF_PARTS:
            raise PartsRefused(error.response["Error"].get("Message", code)) from error
        if code in DAMAGED:
            raise Damaged(f"The object store answered {code}.") from error
        if code not in ABSENT | CHANGED:
            raise StorageUnavailable(f"The object store answered {code}.") from error
        absent.append(code)
    except FlexibleChecksumError as error:
        raise Damaged("What the store sent has another checksum than what was stored.") from error
    except NONSENSE as error:
        raise StorageUnavailable("The object store answered nonsense.") from error
    except (BotoCoreError, Boto3Error) as error:
        if bounded and isinstance(error, TIMEOUTS):
            _turnstile().lose()
        raise StorageUnavailable(f"The object store failed: {type(error).__name__}.") from error


def store() -> "S3Client":
    """The store as this process reaches it."""
    return _connect(settings.S3_ENDPOINT_URL)


def public() -> "S3Client":
    """The store as clients reach it, who may know it by another name: for signing URLs."""
    return _connect(public_endpoint_url())


def public_endpoint_url() -> str:
    """The address that clients know the store by; empty for AWS."""
    return str(settings.S3_PUBLIC_ENDPOINT_URL or settings.S3_ENDPOINT_URL)


def credentials() -> ReadOnlyCredentials:
    """What requests are signed with now; a role's credentials change. Raises StorageUnavailable."""
    found = _session().get_credentials()
    if found is None:
        raise StorageUnavailable("There are no credentials for the object store.")
    return found.get_frozen_credentials()


@cache
def _turnstile() -> Turnstile:
    return Turnstile(max(1, settings.WEB_THREADS // 2))


@cache
def _session() -> boto3.session.Session:
    return boto3.session.Session(
        aws_access_key_id=settings.S3_ACCESS_KEY or None,
        aws_secret_access_key=settings.S3_SECRET_KEY or None,
    )


@cache
def _connect(endpoint_url: str) -> "S3Client":
    client: S3Client = _session().client(
        "s3",
        endpoint_url=endpoint_url or None,
        region_name=settings.S3_REGION,
        config=Config(
            # Version 2 signatures, the default of presigning, bind neither length nor type.
            signature_version="s3v4",
            s3={"addressing_style": "path" if endpoint_url else "auto"},
            # A proxy for the world outside is none for a store on this machine.
            proxies={} if urlsplit(endpoint_url).hostname in LOOPBACK else None,
            connect_timeout=settings.S3_CONNECT_SECONDS,
            read_timeout=settings.S3_READ_SECONDS,
            retries={"total_max_attempts": settings.S3_TRIES, "mode": "standard"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
    events = client.meta.events
    events.register("before-call.s3", _begin)
    events.register("after-call.s3", _end)
    events.register("after-call-error.s3", _fail)
    return client


def _begin(context: dict[str, Any], **of_call: Any) -> None:
    context["began"] = time.perf_counter()


def _end(model: Any, http_response: Any, context: dict[str, Any], **of_call: Any) -> None:
    _took(model.name, context, failed=http_response.status_code >= 500)


def _fail(event_name: str, context: dict[str, Any], **of_call: Any) -> None:
    _took(event_name.rpartition(".")[2], context, failed=True)


def _took(operation: str, context: dict[str, Any], *, failed: bool) -> None:
    # Who answers in place of the store, as botocore's stubs do, comes before _begin.
    if (began := context.get("began")) is not None:
        series.s3_took(operation, time.perf_counter() - began, failed=failed)
