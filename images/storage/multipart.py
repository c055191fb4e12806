"""Uploads in parts: begun, told, made one or given up."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings

from images.storage import client
from images.storage.bucket import OCTETS

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef


@dataclass(frozen=True)
class Part:
    """One part of an upload that has arrived."""

    number: int
    size: int
    etag: str


def begin_parts(key: str) -> str:
    """Begin an upload in parts, of an object without any metadata; returns its id."""
    with client.translated():
        return client.store().create_multipart_upload(
            Bucket=settings.S3_BUCKET, Key=key, ContentType=OCTETS
        )["UploadId"]


def parts(key: str, upload_id: str) -> list[Part] | None:
    """The parts that have arrived, by number; None where no such upload is under way."""
    pages = client.store().get_paginator("list_parts")
    with client.translated() as absent:
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
    with client.translated() as absent:
        client.store().complete_multipart_upload(
            Bucket=settings.S3_BUCKET,
            Key=key,
            UploadId=upload_id,
            MultipartUpload={"Parts": listed},
        )
    return not absent


def abort_parts(key: str, upload_id: str) -> None:
    """End an upload in parts and free what it holds; one that is not there is no error."""
    with client.translated():
        client.store().abort_multipart_upload(
            Bucket=settings.S3_BUCKET, Key=key, UploadId=upload_id
        )


def unfinished() -> Iterator[tuple[str, str, datetime]]:
    """Every upload in parts that is under way: key, upload id, when it began."""
    pages = client.store().get_paginator("list_multipart_uploads")
    with client.translated():
        for page in pages.paginate(Bucket=settings.S3_BUCKET):
            for upload in page.get("Uploads", []):
                yield upload["Key"], upload["UploadId"], upload["Initiated"]
