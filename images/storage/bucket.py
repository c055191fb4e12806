"""Objects: what is stored, its bytes, copies and ends; and the bucket that holds them."""

import base64
import hashlib
import io
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from boto3.s3.transfer import TransferConfig
from django.conf import settings

from images import keys
from images.storage import client, content, requests
from images.storage.client import Damaged, StorageUnavailable
from images.storage.content import PIECE_BYTES, Content

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CopySourceTypeDef

# Larger objects are copied and sent in parts, each of which the store answers in good time.
MAX_SINGLE_COPY_BYTES = 256 * 1024**2
IN_PARTS = TransferConfig(
    multipart_threshold=MAX_SINGLE_COPY_BYTES, multipart_chunksize=64 * 1024**2, max_concurrency=4
)
# How often something is sent that arrives as something else.
SENDINGS = 3
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
OF_BYTES_ALONE = {
    "Content-Type": OCTETS,
    "x-amz-metadata-directive": "REPLACE",
    "x-amz-tagging-directive": "REPLACE",
}
COPIED = re.compile(rb"<ETag>(?:&quot;|&#34;|\")?([0-9a-f]{32})(?:&quot;|&#34;|\")?</ETag>")


@dataclass(frozen=True)
class StoredObject:
    """What the store says of an object: bytes, entity tag, when it was last written (UTC)."""

    size: int
    etag: str
    modified_at: datetime
    # Whether its entity tag is made of MD5s, as far as is known.
    tells_md5: bool = True

    @property
    def md5(self) -> str | None:
        """The MD5 of the object in hexadecimal digits, where the store tells it."""
        return content.md5_in(self.etag) if self.tells_md5 else None


def head(key: str, bucket: str = "") -> StoredObject | None:
    """What is stored under `key`, or None."""
    if not bucket:
        with requests.asked("HEAD", key) as answer:
            if answer is not None and answer.status_code == 404:
                return None
            if answer is not None and answer.status_code == 200:
                return told(answer.headers)
    with client.translated() as absent:
        found = client.store().head_object(Bucket=bucket or settings.S3_BUCKET, Key=key)
    if absent:
        return None
    return StoredObject(
        found["ContentLength"], found["ETag"], found["LastModified"], content.tells_md5(found)
    )


def told(headers: Mapping[str, str]) -> StoredObject:
    """What the headers of an answer say of an object. Raises KeyError and ValueError."""
    found = content.said(headers)
    modified_at = parsedate_to_datetime(headers["Last-Modified"])
    return StoredObject(
        found["ContentLength"], found["ETag"], modified_at, content.tells_md5(found)
    )


def read(key: str) -> bytes | None:
    """The bytes under `key`, or None. Only for objects known to be small. Raises Damaged."""
    found = Content(io.BytesIO())
    return found.file.getvalue() if download(key, found) else None  # type: ignore[attr-defined]


def download(key: str, into: Content, meanwhile: Callable[[], None] = lambda: None) -> bool:
    """Read the bytes under `key`; False when there are none.

    `meanwhile` is called for each piece. Raises Damaged where what came is not what was stored.
    """
    return fetch(key, into, meanwhile) is not None


def fetch(
    key: str,
    into: Content,
    meanwhile: Callable[[], None] = lambda: None,
    wanted: Callable[[StoredObject], bool] = lambda found: True,
) -> StoredObject | None:
    """Read the bytes under `key` where they are wanted; what they are, or None when there are none.

    Raises Damaged, as `download` does.
    """
    with requests.asked("GET", key) as answer:
        # boto3 reads what has no MD5 of the whole, for it asks for other checksums.
        if answer is not None and answer.status_code == 200 and told(answer.headers).md5:
            found = told(answer.headers)
            if not wanted(found):
                return found
            _read(requests.pieces(answer, PIECE_BYTES), into, meanwhile)
            if into.md5.hexdigest() == found.md5 and into.size == found.size:
                into.file.flush()
                return found
            into.clear()
    with client.translated() as absent:
        asked = client.store().get_object(
            Bucket=settings.S3_BUCKET, Key=key, ChecksumMode="ENABLED"
        )
        found = StoredObject(
            asked["ContentLength"], asked["ETag"], asked["LastModified"], content.tells_md5(asked)
        )
        if not wanted(found):
            asked["Body"].close()
            return found
        _read(asked["Body"].iter_chunks(PIECE_BYTES), into, meanwhile)
    if absent:
        return None
    content.check(into, asked, lambda number: _size_of_part(key, asked["ETag"], number))
    into.file.flush()
    return found


def _read(pieces: Iterable[bytes], into: Content, meanwhile: Callable[[], None]) -> None:
    for piece in pieces:
        into.take(piece)
        meanwhile()


def _size_of_part(key: str, etag: str, number: int) -> int | None:
    """The bytes of a part of an object as it was seen; None where this store does not tell."""
    with client.translated() as absent:
        found = client.store().head_object(
            Bucket=settings.S3_BUCKET, Key=key, PartNumber=number, IfMatch=etag
        )
    return None if absent or not found.get("PartsCount") else found["ContentLength"]


def put(key: str, body: bytes, media_type: str = OCTETS) -> StoredObject:
    """Store bytes under `key`. Raises Damaged where others arrive each time."""
    md5 = hashlib.md5(body, usedforsecurity=False)

    with requests.asked("PUT", key, body, {"Content-Type": media_type}) as answer:
        if answer is not None and answer.status_code == 200:
            said = content.said(answer.headers)
            if content.tells_md5(said) and content.md5_in(said.get("ETag", "")) == md5.hexdigest():
                written_at = parsedate_to_datetime(answer.headers["Date"])
                return StoredObject(len(body), said["ETag"], written_at)

    def send() -> StoredObject:
        with client.translated():
            client.store().put_object(
                Bucket=settings.S3_BUCKET,
                Key=key,
                Body=body,
                ContentType=media_type,
                ContentMD5=base64.b64encode(md5.digest()).decode(),
            )
        return _arrived(key, len(body), md5.hexdigest())

    return _sent(send)


def put_file(key: str, path: Path, media_type: str = OCTETS) -> None:
    """Store a file under `key`, in parts where it is large. Raises Damaged, as `put` does."""

    def send() -> StoredObject:
        with client.translated():
            client.store().upload_file(
                str(path),
                settings.S3_BUCKET,
                key,
                ExtraArgs={"ContentType": media_type},
                Config=IN_PARTS,
            )
        etag = content.etag_of_file(
            path, IN_PARTS.multipart_threshold, IN_PARTS.multipart_chunksize
        )
        return _arrived(key, path.stat().st_size, etag)

    _sent(send)


def _sent(send: Callable[[], StoredObject]) -> StoredObject:
    for _ in range(SENDINGS - 1):
        with suppress(Damaged):
            return send()
    return send()


def _arrived(key: str, size: int, etag: str) -> StoredObject:
    """What is stored under `key`, if that is what was sent. Raises Damaged."""
    stored = head(key)
    if stored is None:
        raise StorageUnavailable("The object that was just stored is not there.")
    content.check_same((size, etag if stored.tells_md5 else ""), (stored.size, stored.etag))
    return stored


def copy(source: str, target: str, seen: StoredObject, bucket: str = "") -> StoredObject | None:
    """Copy the bytes of an object as it was seen; None when it is gone or was written again since.

    Answers what the copy is. `bucket` is where it comes from, where that is not our own. Raises
    Damaged, and leaves no copy, where that is not what was copied.
    """
    origin: CopySourceTypeDef = {"Bucket": bucket or settings.S3_BUCKET, "Key": source}
    if not bucket and seen.md5 and seen.size <= MAX_SINGLE_COPY_BYTES:
        conditions = {
            "x-amz-copy-source": quote(f"/{settings.S3_BUCKET}/{source}", safe="/~"),
            "x-amz-copy-source-if-match": seen.etag,
        }
        with requests.asked("PUT", target, None, conditions | OF_BYTES_ALONE) as answer:
            if answer is not None and answer.status_code == 200:
                said = content.said(answer.headers)
                etag = COPIED.search(answer.content)
                if content.tells_md5(said) and etag and etag[1].decode() == seen.md5:
                    return replace(seen, etag=f'"{seen.md5}"')
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
                ExtraArgs={
                    "CopySourceIfMatch": seen.etag,
                    # Of the copy itself a store may have a tag of any kind.
                    "Metadata": content.told_of_copy(_md5(source, bucket)),
                    **BYTES_ALONE,
                },
                Config=IN_PARTS,
            )
    copied = None if absent else head(target)
    if copied:
        try:
            _check_copy(seen, copied, source, bucket)
        except Damaged:
            delete(target)
            raise
    return copied


def _md5(key: str, bucket: str) -> str | None:
    found = head(key, bucket)
    return found.md5 if found else None


def _check_copy(seen: StoredObject, copied: StoredObject, source: str, bucket: str) -> None:
    try:
        content.check_same((seen.size, seen.etag), (copied.size, copied.etag))
    except Damaged:
        # A list does not tell how an object is encrypted.
        origin = head(source, bucket)
        known = origin is None or (origin.tells_md5 and copied.tells_md5)
        if known or copied.size != seen.size:
            raise


def delete(key: str) -> None:
    """Remove an object; one that is not there is no error."""
    with requests.asked("DELETE", key) as answer:
        if answer is not None and answer.status_code == 204:
            return
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


def check_writing() -> None:
    """Raise StorageUnavailable unless an object can be stored, and removed again."""
    key = f"{keys.PROBES}{uuid.uuid4()}"
    put(key, b"Whether this can be stored.")
    delete(key)


def ensure_bucket() -> None:
    """Create the bucket unless it is there."""
    try:
        check_bucket()
    except StorageUnavailable:
        with client.translated():
            client.store().create_bucket(Bucket=settings.S3_BUCKET)
