"""The bucket: the only module that imports boto3.

Callers come here outside database transactions. An object that is not there is None; every other
failure is StorageUnavailable.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.client import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

# The most that S3 copies in one request; larger objects are copied in parts.
MAX_SINGLE_COPY_BYTES = 5 * 1024**3
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
    params = {"Bucket": settings.S3_BUCKET, "Key": key}
    if size:
        params["ContentLength"] = size
    return _presign("put_object", params)


def presign_get(
    key: str, media_type: str = "application/octet-stream", disposition: str = "attachment"
) -> str:
    """A URL that reads `key`, answered with this type and disposition whatever is stored.

    Unless a caller knows better, nothing is shown, so that a stored page or script never runs.
    """
    return _presign(
        "get_object",
        {
            "Bucket": settings.S3_BUCKET,
            "Key": key,
            "ResponseContentType": media_type,
            "ResponseContentDisposition": disposition,
        },
    )


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
    origin = {"Bucket": settings.S3_BUCKET, "Key": source}
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


@cache
def _client() -> "S3Client":
    return _connect(settings.S3_ENDPOINT_URL)


@cache
def _signer() -> "S3Client":
    # Clients may reach the store under another name than this process does.
    return _connect(settings.S3_PUBLIC_ENDPOINT_URL or settings.S3_ENDPOINT_URL)


def _connect(endpoint_url: str) -> "S3Client":
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint_url or None,
        region_name=settings.S3_REGION,
        aws_access_key_id=settings.S3_ACCESS_KEY or None,
        aws_secret_access_key=settings.S3_SECRET_KEY or None,
        config=Config(
            # Version 2 signatures, the default of presigning, bind neither length nor type.
            signature_version="s3v4",
            s3={"addressing_style": "path" if endpoint_url else "auto"},
            connect_timeout=2,
            read_timeout=5,
            retries={"max_attempts": 2, "mode": "standard"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
