"""Whether bytes are what was stored: the one place where that is decided.

A store says what it holds by an entity tag: the MD5 of an object that came in one request,
`md5-parts` of one that came in parts (the MD5 of the MD5s of its parts). Where it encrypts with a
customer's or KMS's key, or has tags of its own kind (TAGGEDIMAGES_S3_ETAGS_ARE_MD5), a tag tells
nothing; a SHA-256 that came with the upload does, and so does the length, always. What a store says
in no way that is understood here is believed.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings

from images.storage.client import Damaged

PIECE_BYTES = 1024**2
MD5 = re.compile("[0-9a-f]{32}")
MD5_OF_PARTS = re.compile(r"([0-9a-f]{32})-(\d{1,5})")
OPAQUE_ENCRYPTION = ("aws:kms", "aws:kms:dsse")
# What a copy that was made in parts says of its source. Its own tag need not be made of MD5s:
# SeaweedFS's is of the pieces that it happens to keep.
OF_COPIED = "md5-of-source"
HEADERS = {
    "Content-Length": "ContentLength",
    "ETag": "ETag",
    "x-amz-server-side-encryption": "ServerSideEncryption",
    "x-amz-server-side-encryption-customer-algorithm": "SSECustomerAlgorithm",
}
# How the parts of an object are looked up: the bytes of one, by its number; None if unknown.
PartSize = Callable[[int], int | None]


def new_md5() -> "hashlib._Hash":
    """An MD5 of nothing yet, which guards against chance, and not against people."""
    return hashlib.md5(usedforsecurity=False)


@dataclass
class Content:
    """A file as it is fetched: its checksums, and the bytes."""

    file: BinaryIO
    size: int = 0
    sha256: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    md5: "hashlib._Hash" = field(default_factory=new_md5)

    def take(self, piece: bytes) -> None:
        """The next bytes."""
        self.file.write(piece)
        self.size += len(piece)
        self.sha256.update(piece)
        self.md5.update(piece)

    def clear(self) -> None:
        """Begin anew."""
        self.file.seek(0)
        self.file.truncate()
        self.size, self.sha256, self.md5 = 0, hashlib.sha256(), new_md5()


def said(headers: Mapping[str, str]) -> dict[str, Any]:
    """What the headers of an answer say of an object, in boto3's words."""
    found: dict[str, Any] = {
        name: headers[header] for header, name in HEADERS.items() if header in headers
    }
    if "ContentLength" in found:
        found["ContentLength"] = int(found["ContentLength"])
    of_copied = headers.get(f"x-amz-meta-{OF_COPIED}")
    return found | ({} if of_copied is None else {"Metadata": {OF_COPIED: of_copied}})


def tells_md5(answer: Mapping[str, Any]) -> bool:
    """Whether the entity tag in an answer of the store is made of MD5s."""
    return (
        settings.S3_ETAGS_ARE_MD5
        and answer.get("ServerSideEncryption") not in OPAQUE_ENCRYPTION
        and not answer.get("SSECustomerAlgorithm")
    )


def md5_in(etag: str) -> str | None:
    """The MD5 of the whole object, in hexadecimal digits, if its entity tag is one."""
    bare = etag.strip('"').lower()
    return bare if MD5.fullmatch(bare) else None


def told_of_copy(md5: str | None) -> dict[str, str]:
    """The metadata of an object that is copied in parts: what is known of its bytes."""
    return {OF_COPIED: md5 or ""}


def check(content: Content, answer: Mapping[str, Any], size_of_part: PartSize) -> None:
    """Raise Damaged unless what was read is what the store says in the same answer."""
    length = answer.get("ContentLength")
    if length is not None and length != content.size:
        raise Damaged(f"The store sent {content.size} bytes of {length}.")
    told = answer.get("ChecksumSHA256") or ""
    # That of an object in parts is one of parts, with their number at its end.
    if told and "-" not in told:
        if told != _base64(content.sha256.digest()):
            raise Damaged("What the store sent has another SHA-256 than what was stored.")
        return
    etag = str(answer.get("ETag", "")).strip('"').lower()
    of_copied = answer.get("Metadata", {}).get(OF_COPIED)
    if of_copied is not None:
        etag = of_copied
    elif not tells_md5(answer):
        return
    if MD5.fullmatch(etag):
        found = content.md5.hexdigest()
    elif parts := MD5_OF_PARTS.fullmatch(etag):
        sizes = _sizes(content.size, int(parts[2]), size_of_part)
        found = md5_of_parts(content.file, sizes) if sizes else etag
    else:
        return
    if found != etag:
        raise Damaged("What the store sent has another MD5 than what was stored.")


def check_same(one: tuple[int, str], other: tuple[int, str]) -> None:
    """Raise Damaged where a copy, by its size and entity tag, cannot be of an object.

    Of different forms, such as of a copy that was made in parts, the sizes are compared.
    """
    (size, etag), (copied, copied_etag) = one, other
    if size != copied:
        raise Damaged(f"The copy of {size} bytes has {copied}.")
    forms = {_form(etag), _form(copied_etag)}
    if len(forms) == 1 and None not in forms and etag.strip('"') != copied_etag.strip('"'):
        raise Damaged("The copy has another MD5 than what was copied.")


def etag_of_file(path: Path, single_max: int, part_size: int) -> str:
    """The entity tag, without its quotes, of a file that is sent whole, or in such parts if it is
    as large as `single_max` bytes."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if size < single_max:
            return md5_of(file, size).hex()
        sizes = [min(part_size, size - begun) for begun in range(0, size, part_size)]
        return md5_of_parts(file, sizes)


def md5_of_parts(file: BinaryIO, sizes: Iterable[int]) -> str:
    """The entity tag of an object in parts of these bytes."""
    file.seek(0)
    digests = [md5_of(file, size) for size in sizes]
    whole = hashlib.md5(b"".join(digests), usedforsecurity=False).hexdigest()
    return f"{whole}-{len(digests)}"


def md5_of(file: BinaryIO, size: int) -> bytes:
    """The MD5 of the next bytes of a file."""
    digest = new_md5()
    while size and (piece := file.read(min(size, PIECE_BYTES))):
        digest.update(piece)
        size -= len(piece)
    return digest.digest()


def _sizes(size: int, count: int, size_of_part: PartSize) -> list[int] | None:
    """The bytes of each part; each is asked for, unless the first and the last but one tell."""
    if count == 1:
        return [size]
    first = size_of_part(1)
    if not first:
        return None
    is_even = (count - 1) * first < size <= count * first
    if is_even and (count == 2 or size_of_part(count - 1) == first):
        return [first] * (count - 1) + [size - (count - 1) * first]
    sizes = [first, *(size_of_part(number) or 0 for number in range(2, count + 1))]
    return sizes if sum(sizes) == size and all(sizes) else None


def _form(etag: str) -> str | None:
    bare = etag.strip('"').lower()
    if MD5.fullmatch(bare):
        return "whole"
    parts = MD5_OF_PARTS.fullmatch(bare)
    # Copied as one, or in other parts, it may have any other tag.
    return f"in {parts[2]}" if parts else None


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
