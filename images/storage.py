"""The bucket: the only module that imports boto3.

Callers come here outside database transactions. An object that is not there is None; every other
failure is StorageUnavailable.
"""

import base64
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.client import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

from images.resigning import with_parameters

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef, CopySourceTypeDef

# Larger objects are copied and sent in parts, each of which the store answers in good time.
MAX_SINGLE_COPY_BYTES = 256 * 1024**2
IN_PARTS = TransferConfig(
    multipart_threshold=MAX_SINGLE_COPY_BYTES, multipart_chunksize=64 * 1024**2, max_concurrency=4
)
ABSENT = {"404", "NoSuchKey", "NotFound", "NoSuchUpload"}
CHANGED = {"412", "PreconditionFailed"}
REFUSED = {"InvalidPart", "InvalidPartOrder", "EntityTooSmall", "InvalidRequest"}


class StorageUnavailable(Exception):
    """The bucket did not answer, or not as it should."""


class PartsRefused(Exception):
    """The store does not make one object of these parts; the text says why."""


@dataclass(frozen=True)
class StoredObject:
    """What the store says of an object: bytes, entity tag, when it was last written (UTC)."""

    size: int
    etag: str
    modified_at: datetime


@dataclass(frozen=True)
class Part:
    """One part of an upload that has arrived."""

    number: int
    size: int
    etag: str


def presign_put(
    key: str, size: int | None = None, media_type: str = "", sha256: bytes = b""
) -> str:
    """A URL that takes one PUT to `key`, bound to what is given: length, type, checksum.

    Type and checksum bind the headers of `put_headers`, which the client then has to send.
    """
    params: dict[str, object] = {"Bucket": settings.S3_BUCKET, "Key": key}
    if size:
        params["ContentLength"] = size
    if media_type:
        params["ContentType"] = media_type
    if sha256:
        params["ChecksumSHA256"] = base64.b64encode(sha256).decode()
    return _presign("put_object", params)


def put_headers(media_type: str = "", sha256: bytes = b"") -> dict[str, str]:
    """What a PUT must send where its URL was bound to a type or a checksum."""
    headers = {"Content-Type": media_type} if media_type else {}
    if sha256:
        headers["x-amz-checksum-sha256"] = base64.b64encode(sha256).decode()
    return headers


def presign_get(key: str) -> str:
    """A URL that reads `key`, as an attachment so that a stored page or script never runs."""
    params: dict[str, object] = {"Bucket": settings.S3_BUCKET, "Key": key}
    return _presign("get_object", params | {"ResponseContentDisposition": "attachment"})


def head(key: str, bucket: str = "") -> StoredObject | None:
    """What is stored under `key`, or None."""
    with _translated() as absent:
        found = _client().head_object(Bucket=bucket or settings.S3_BUCKET, Key=key)
    if absent:
        return None
    return StoredObject(found["ContentLength"], found["ETag"], found["LastModified"])


def read(key: str) -> bytes | None:
    """The bytes under `key`, or None. Only for objects known to be small."""
    with _translated() as absent:
        body = _client().get_object(Bucket=settings.S3_BUCKET, Key=key)["Body"].read()
    return None if absent else body


def put(key: str, body: bytes) -> StoredObject:
    """Store bytes under `key`."""
    with _translated():
        _client().put_object(Bucket=settings.S3_BUCKET, Key=key, Body=body)
    stored = head(key)
    if stored is None:
        raise StorageUnavailable("The object that was just stored is not there.")
    return stored


def put_file(key: str, path: Path) -> None:
    """Store a file under `key`, in parts where it is large."""
    with _translated():
        _client().upload_file(str(path), settings.S3_BUCKET, key, Config=IN_PARTS)


def copy(source: str, target: str, seen: StoredObject, bucket: str = "") -> bool:
    """Copy an object as it was seen; False when it is gone or was written again since.

    `bucket` is where it comes from, where that is not our own.
    """
    origin: CopySourceTypeDef = {"Bucket": bucket or settings.S3_BUCKET, "Key": source}
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
                origin,
                settings.S3_BUCKET,
                target,
                ExtraArgs={"CopySourceIfMatch": seen.etag},
                Config=IN_PARTS,
            )
    return not absent


def delete(key: str) -> None:
    """Remove an object; one that is not there is no error."""
    with _translated():
        _client().delete_object(Bucket=settings.S3_BUCKET, Key=key)


def objects(prefix: str = "", bucket: str = "") -> Iterator[tuple[str, StoredObject]]:
    """Every object with its key, a page of the store at a time.

    In no order that can be relied on: S3 sorts keys by their bytes, SeaweedFS folder by folder.
    """
    pages = _client().get_paginator("list_objects_v2")
    with _translated() as absent:
        for page in pages.paginate(Bucket=bucket or settings.S3_BUCKET, Prefix=prefix):
            for found in page.get("Contents", []):
                yield (
                    found["Key"],
                    StoredObject(found["Size"], found["ETag"], found["LastModified"]),
                )
    if absent:
        raise StorageUnavailable("The bucket does not exist.")


def begin_parts(key: str, media_type: str = "") -> str:
    """Begin an upload in parts; returns its id."""
    kind = media_type or "application/octet-stream"
    with _translated():
        return _client().create_multipart_upload(
            Bucket=settings.S3_BUCKET, Key=key, ContentType=kind
        )["UploadId"]


def presign_parts(key: str, upload_id: str, numbers: Iterable[int]) -> dict[int, str]:
    """URLs that each take a PUT of one part; worthless once the upload is over."""
    params: dict[str, object] = {"Bucket": settings.S3_BUCKET, "Key": key}
    first = _presign("upload_part", params | {"UploadId": upload_id, "PartNumber": 1})
    secret_key = _secret_key()
    return {
        number: with_parameters(first, "PUT", secret_key, partNumber=str(number))
        for number in numbers
    }


def parts(key: str, upload_id: str) -> list[Part] | None:
    """The parts that have arrived, by number; None where no such upload is under way."""
    pages = _client().get_paginator("list_parts")
    with _translated() as absent:
        found = [
            Part(part["PartNumber"], part["Size"], part["ETag"])
            for page in pages.paginate(Bucket=settings.S3_BUCKET, Key=key, UploadId=upload_id)
            for part in page.get("Parts", [])
        ]
    return None if absent else found


def complete_parts(key: str, upload_id: str, chosen: Iterable[tuple[int, str]]) -> bool:
    """Make one object of parts, given as (number, etag); False where no such upload is under way.

    Raises PartsRefused.
    """
    listed: list[CompletedPartTypeDef] = [
        {"PartNumber": number, "ETag": etag} for number, etag in chosen
    ]
    with _translated() as absent:
        _client().complete_multipart_upload(
            Bucket=settings.S3_BUCKET,
            Key=key,
            UploadId=upload_id,
            MultipartUpload={"Parts": listed},
        )
    return not absent


def abort_parts(key: str, upload_id: str) -> None:
    """End an upload in parts and free what it holds; one that is not there is no error."""
    with _translated():
        _client().abort_multipart_upload(Bucket=settings.S3_BUCKET, Key=key, UploadId=upload_id)


def unfinished() -> Iterator[tuple[str, str, datetime]]:
    """Every upload in parts that is under way: key, upload id, when it began."""
    pages = _client().get_paginator("list_multipart_uploads")
    with _translated():
        for page in pages.paginate(Bucket=settings.S3_BUCKET):
            for upload in page.get("Uploads", []):
                yield upload["Key"], upload["UploadId"], upload["Initiated"]


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
        if code in REFUSED:
            raise PartsRefused(error.response["Error"].get("Message", code)) from error
        if code not in ABSENT | CHANGED:
            raise StorageUnavailable(f"The object store answered {code}.") from error
        absent.append(code)
    except (BotoCoreError, Boto3Error) as error:
        raise StorageUnavailable(f"The object store failed: {type(error).__name__}.") from error


def _presign(operation: str, params: dict[str, object]) -> str:
    with _translated():
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


@cache
def _session() -> boto3.session.Session:
    return boto3.session.Session()


def _secret_key() -> str:
    found = _session().get_credentials()
    return settings.S3_SECRET_KEY or (found.get_frozen_credentials().secret_key if found else "")


def _connect(endpoint_url: str) -> "S3Client":
    client: S3Client = _session().client(
        "s3",
        endpoint_url=endpoint_url or None,
        region_name=settings.S3_REGION,
        aws_access_key_id=settings.S3_ACCESS_KEY or None,
        aws_secret_access_key=settings.S3_SECRET_KEY or None,
        config=Config(
            # Version 2 signatures, the default of presigning, bind neither length nor type.
            signature_version="s3v4",
            s3={"addressing_style": "path" if endpoint_url else "auto"},
            connect_timeout=settings.S3_CONNECT_SECONDS,
            read_timeout=settings.S3_READ_SECONDS,
            retries={"total_max_attempts": settings.S3_TRIES, "mode": "standard"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
    return client
