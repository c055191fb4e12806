"""Objects: what is stored, its bytes, copies and ends; and the bucket that holds them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boto3.s3.transfer import TransferConfig
from django.conf import settings

from images.storage import client
from images.storage.client import StorageUnavailable

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CopySourceTypeDef

# Larger objects are copied and sent in parts, each of which the store answers in good time.
MAX_SINGLE_COPY_BYTES = 256 * 1024**2
IN_PARTS = TransferConfig(
    multipart_threshold=MAX_SINGLE_COPY_BYTES, multipart_chunksize=64 * 1024**2, max_concurrency=4
)
PIECE_BYTES = 1024**2
# S3's own word for bytes of no type. SeaweedFS does not keep `application/octet-stream`, and tells
# a type by the end of the key instead, such as text/html.
OCTETS = "binary/octet-stream"
# Of what was sent, a copy has the bytes alone: no type, encoding, disposition, caching or tags
# that the sender set as headers. URLs that read it say what it is (images.serving).
BYTES_ALONE: dict[str, Any] = {
    "ContentType": OCTETS,
    "MetadataDirective": "REPLACE",
    "TaggingDirective": "REPLACE",
}


@dataclass(frozen=True)
class StoredObject:
    """What the store says of an object: bytes, entity tag, when it was last written (UTC)."""

    size: int
    etag: str
    modified_at: datetime


def head(key: str, bucket: str = "") -> StoredObject | None:
    """What is stored under `key`, or None."""
    with client.translated() as absent:
        found = client.store().head_object(Bucket=bucket or settings.S3_BUCKET, Key=key)
    if absent:
        return None
    return StoredObject(found["ContentLength"], found["ETag"], found["LastModified"])


def read(key: str) -> bytes | None:
    """The bytes under `key`, or None. Only for objects known to be small."""
    with client.translated() as absent:
        body = client.store().get_object(Bucket=settings.S3_BUCKET, Key=key)["Body"].read()
    return None if absent else body


def download(key: str, take: Callable[[bytes], object]) -> bool:
    """Hand the bytes under `key` to `take`, a piece at a time; False when there are none."""
    with client.translated() as absent:
        body = client.store().get_object(Bucket=settings.S3_BUCKET, Key=key)["Body"]
        for piece in body.iter_chunks(PIECE_BYTES):
            take(piece)
    return not absent


def put(key: str, body: bytes, media_type: str = OCTETS) -> StoredObject:
    """Store bytes under `key`."""
    with client.translated():
        client.store().put_object(
            Bucket=settings.S3_BUCKET, Key=key, Body=body, ContentType=media_type
        )
    stored = head(key)
    if stored is None:
        raise StorageUnavailable("The object that was just stored is not there.")
    return stored


def put_file(key: str, path: Path) -> None:
    """Store a file under `key`, in parts where it is large."""
    with client.translated():
        client.store().upload_file(str(path), settings.S3_BUCKET, key, Config=IN_PARTS)


def copy(source: str, target: str, seen: StoredObject, bucket: str = "") -> StoredObject | None:
    """Copy the bytes of an object as it was seen; None when it is gone or was written again since.

    Answers what the copy is. `bucket` is where it comes from, where that is not our own.
    """
    origin: CopySourceTypeDef = {"Bucket": bucket or settings.S3_BUCKET, "Key": source}
    with client.translated() as absent:
        if seen.size <= MAX_SINGLE_COPY_BYTES:
            client.store().copy_object(
                Bucket=settings.S3_BUCKET,
                Key=target,
                CopySource=origin,
                CopySourceIfMatch=seen.etag,
                **BYTES_ALONE,
            )
        else:
            client.store().copy(
                origin,
                settings.S3_BUCKET,
                target,
                ExtraArgs={"CopySourceIfMatch": seen.etag, **BYTES_ALONE},
                Config=IN_PARTS,
            )
    return None if absent else head(target)


def delete(key: str) -> None:
    """Remove an object; one that is not there is no error."""
    with client.translated():
        client.store().delete_object(Bucket=settings.S3_BUCKET, Key=key)


def objects(prefix: str = "", bucket: str = "") -> Iterator[tuple[str, StoredObject]]:
    """Every object with its key, a page of the store at a time.

    In no order that can be relied on: S3 sorts keys by their bytes, SeaweedFS folder by folder.
    """
    pages = client.store().get_paginator("list_objects_v2")
    with client.translated() as absent:
        for page in pages.paginate(Bucket=bucket or settings.S3_BUCKET, Prefix=prefix):
            for found in page.get("Contents", []):
                yield (
                    found["Key"],
                    StoredObject(found["Size"], found["ETag"], found["LastModified"]),
                )
    if absent:
        raise StorageUnavailable("The bucket does not exist.")


def check_bucket() -> None:
    """Raise StorageUnavailable unless the bucket answers and takes our credentials."""
    with client.translated() as absent:
        client.store().head_bucket(Bucket=settings.S3_BUCKET)
    if absent:
        raise StorageUnavailable("The bucket does not exist.")


def ensure_bucket() -> None:
    """Create the bucket unless it is there."""
    try:
        check_bucket()
    except StorageUnavailable:
        with client.translated():
            client.store().create_bucket(Bucket=settings.S3_BUCKET)
