"""The canonical line of a member, and digests over lines (contract of releases).

Pure functions: whoever has the lines of a release can compute its digest with these alone.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

import orjson

# Members of a chunk, all but the last.
CHUNK_MEMBERS = 10_000
LEAF_BYTES = 32
OF_LEAF, OF_CHUNK, OF_RELEASE = b"\x00", b"\x01", b"\x02"
PREFIX = "sha256:"


class Line(TypedDict):
    """What a release says of a member; every key is always there."""

    bytes: int
    format: str
    group: str | None
    height: int
    id: int
    name: str
    sha256: str
    split: str | None
    tags: list[str]
    uuid: str
    values: list[list[str]]
    width: int


def canonical(line: Mapping[str, Any]) -> bytes:
    """A line as JSON of RFC 8785, without a line end: its keys are ASCII and its numbers integers,
    so that sorting keys is all there is to do. `tags` and `values` are sorted by the caller."""
    return orjson.dumps(line, option=orjson.OPT_SORT_KEYS)


def leaf(line: bytes) -> bytes:
    """The leaf of a canonical line, 32 bytes."""
    return hashlib.sha256(OF_LEAF + line).digest()


def chunk_digest(leaves: bytes) -> bytes:
    """The digest, 32 bytes, of the leaves of a chunk, 32 bytes each one after the other."""
    return hashlib.sha256(OF_CHUNK + leaves).digest()


def release_digest(chunks: Iterable[bytes]) -> str:
    """The digest of a release, `sha256:…`, of those of its chunks in their order."""
    return PREFIX + hashlib.sha256(OF_RELEASE + b"".join(chunks)).hexdigest()
