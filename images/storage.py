"""The bucket: the only module that imports boto3.

Callers come here outside database transactions. An object that is not there is None; every other
failure is StorageUnavailable.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import boto3
from botocore.client import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

from images.presigning import ReadSigner

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import CopySourceTypeDef

# The most that S3 copies in one request; larger objects are copied in parts.
MAX_SINGLE_COPY_BYTES = 5 * 1024**3
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
PIECE_BYTES = 1024**2
ABSENT = {"404", "NoSuchKey", "NotFound"}
CHANGED = {"412", "PreconditionFailed"}


class StorageUnavailable(Exception):
    """The bucket did not answer, or not as it should."""


@dataclass(frozen=True)
class StoredObject:
    """What the store says of an object: bytes, entity tag, when it was last written (UTC)."""

    size: int
    etag: str
    modified_at: datetime


def presign_put(key: str, size: int | None = None) -> str:
    """A URL that takes one PUT to `key`, of exactly `size` bytes when that is given."""
    params: dict[str, object] = {"Bucket": settings.S3_BUCKET, "Key": key}
    if size:
        params["ContentLength"] = size
    return _presign("put_object", params)


def presign_post(key: str, media_type: str, size: int | None = None) -> tuple[str, dict[str, str]]:
    """A URL and the form fields that let one POST create `key`, answered 201 with XML.

    The store holds the form to exactly `size` bytes when that is given, and to `media_type`.
    """
    fields = {"success_action_status": "201", "Content-Type": media_type}
    form = _signer().generate_presigned_post(
        settings.S3_BUCKET,
        key,
        Fields=dict(fields),
        Conditions=[
            *({name: value} for name, value in fields.items()),
            ["content-length-range", size or 1, size or MAX_SINGLE_COPY_BYTES],
        ],
        ExpiresIn=settings.PRESIGNED_SECONDS,
    )
    return form["url"], form["fields"]


def presign_get(
    key: str, media_type: str = "application/octet-stream", disposition: str = "attachment"
) -> str:
    """A URL that reads `key`, answered with this type and disposition whatever is stored.

    Unless a caller knows better, nothing is shown, so that a stored page or script never runs.
    """
    overrides = {
        "response-content-type": media_type,
        "response-content-disposition": disposition,
    }
    return _reader().url(key, **overrides)


def head(key: str) -> StoredObject | None:
    """What is stored under `key`, or None."""
    with _translated() as absent:
        found = _client().head_object(Bucket=settings.S3_BUCKET, Key=key)
    if absent:
        return None
    return StoredObject(found["ContentLength"], found["ETag"], found["LastModified"])


def read(key: str) -> bytes | None:
    """The bytes under `key`, or None. Only for objects known to be small."""
    with _translated() as absent:
        body = _client().get_object(Bucket=settings.S3_BUCKET, Key=key)["Body"].read()
    return None if absent else body


def download(key: str, take: Callable[[bytes], object]) -> bool:
    """Hand the bytes under `key` to `take`, a piece at a time; False when there are none."""
    with _translated() as absent:
        body = _client().get_object(Bucket=settings.S3_BUCKET, Key=key)["Body"]
        for piece in body.iter_chunks(PIECE_BYTES):
            take(piece)
    return not absent


def put(key: str, body: bytes, media_type: str = "binary/octet-stream") -> StoredObject:
    """Store bytes under `key`."""
    with _translated():
        _client().put_object(Bucket=settings.S3_BUCKET, Key=key, Body=body, ContentType=media_type)
    stored = head(key)
    if stored is None:
        raise StorageUnavailable("The object that was just stored is not there.")
    return stored


def copy(source: str, target: str, seen: StoredObject) -> bool:
    """Copy an object as it was seen; False when it is gone or was written again since."""
    origin: CopySourceTypeDef = {"Bucket": settings.S3_BUCKET, "Key": source}
    with _translated() as absent:
        if seen.size <= MAX_SINGLE_COPY_BYTES:
            _client().copy_object(
                Bucket=settings.S3_BUCKET,
                Key=target,
                CopySource=origin,
                CopySourceIfMatch=seen.etag,
            )
        else:
            _client().copy(
                origin, settings.S3_BUCKET, target, ExtraArgs={"CopySourceIfMatch": seen.etag}
            )
    return not absent


def delete(key: str) -> None:
    """Remove an object; one that is not there is no error."""
    with _translated():
        _client().delete_object(Bucket=settings.S3_BUCKET, Key=key)


def check_bucket() -> None:
    """Raise StorageUnavailable unless the bucket answers and takes our credentials."""
    with _translated() as absent:
        _client().head_bucket(Bucket=settings.S3_BUCKET)
    if absent:
        raise StorageUnavailable("The bucket does not exist.")


def ensure_bucket() -> None:
    """Create the bucket unless it is there."""
    try:
        check_bucket()
    except StorageUnavailable:
        with _translated():
            _client().create_bucket(Bucket=settings.S3_BUCKET)


@contextmanager
def _translated() -> Iterator[list[str]]:
    """Turn botocore's failures into this module's; yields a list that is filled when absent."""
    absent: list[str] = []
    try:
        yield absent
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code not in ABSENT | CHANGED:
            raise StorageUnavailable(f"The object store answered {code}.") from error
        absent.append(code)
    except BotoCoreError as error:
        raise StorageUnavailable(f"The object store failed: {type(error).__name__}.") from error


def _presign(operation: str, params: dict[str, object]) -> str:
    return _signer().generate_presigned_url(
        operation, Params=params, ExpiresIn=settings.PRESIGNED_SECONDS
    )


def _reader() -> ReadSigner:
    # Within a window of stable URLs, all are signed at its beginning.
    step = max(settings.PRESIGNED_STABLE_SECONDS, 1)
    instant = datetime.fromtimestamp(time.time() // step * step, UTC)
    credentials = _session().get_credentials().get_frozen_credentials()
    return _reader_at(
        settings.S3_BUCKET,
        f"{instant:%Y%m%dT%H%M%SZ}",
        credentials.access_key,
        credentials.secret_key,
        credentials.token,
    )


@lru_cache(maxsize=8)
def _reader_at(
    bucket: str, instant: str, access_key: str, secret_key: str, token: str | None
) -> ReadSigner:
    # boto3 knows how buckets are addressed; what comes before the key is the same for all.
    base = _presign("get_object", {"Bucket": bucket, "Key": "key"}).partition("key?")[0]
    address = urlsplit(base)
    default_port = {"http": 80, "https": 443}.get(address.scheme)
    return ReadSigner(
        base=base,
        host=str(address.hostname) if address.port in (None, default_port) else address.netloc,
        region=settings.S3_REGION,
        access_key=access_key,
        secret_key=secret_key,
        session_token=token,
        instant=instant,
        seconds=settings.PRESIGNED_SECONDS,
    )


@cache
def _session() -> boto3.session.Session:
    return boto3.session.Session(
        aws_access_key_id=settings.S3_ACCESS_KEY or None,
        aws_secret_access_key=settings.S3_SECRET_KEY or None,
    )


@cache
def _client() -> "S3Client":
    return _connect(settings.S3_ENDPOINT_URL)


@cache
def _signer() -> "S3Client":
    # Clients may reach the store under another name than this process does.
    return _connect(settings.S3_PUBLIC_ENDPOINT_URL or settings.S3_ENDPOINT_URL)


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
            connect_timeout=2,
            read_timeout=5,
            retries={"max_attempts": 2, "mode": "standard"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
    return client
