"""Members of a release in the formats that programs read as they are (docs/releases.md).

Each format makes bytes of members, a batch at a time. Withheld ones have a place in NDJSON alone,
where they are needed to compute the digest.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import orjson
from django.conf import settings

from taggedimages.datasets.file_names import saved_as
from taggedimages.datasets.listing import Listed
from taggedimages.datasets.v1 import parquet
from tags.names import joined

Batches = Iterable[list[Listed]]
# As Parquet has them, too.
COLUMNS = (
    *("id", "uuid", "name", "file", "bytes", "format", "width", "height", "sha256"),
    *("group", "split", "tags", "values", "url", "expires"),
)


class Format(NamedTuple):
    """How members are written: what the answer is called, and what makes it."""

    media_type: str
    suffix: str
    write: Callable[[Batches], Iterator[bytes]]
    # Whether withheld members are among them.
    is_whole: bool = False
    has_urls: bool = True


def ndjson(batches: Batches) -> Iterator[bytes]:
    """The canonical line of each with `expires` and `url` at its end."""
    for batch in batches:
        yield b"".join([_line(one) for one in batch])


def _line(one: Listed) -> bytes:
    if one.is_withheld:
        return one.line + b"\n"
    # A URL has nothing that JSON would escape.
    url = b"null" if one.url is None else b'"%b"' % one.url.encode()
    expires = b"null" if one.expires is None else b"%d" % one.expires
    return b'%b,"expires":%b,"url":%b}\n' % (one.line[:-1], expires, url)


def comma_separated(batches: Batches) -> Iterator[bytes]:
    """A table with a head (RFC 4180). Tags are a list with `|`, values JSON."""
    yield _rows([COLUMNS])
    for batch in batches:
        yield _rows(_row(one) for one in batch if not one.is_withheld)


def _row(one: Listed) -> list[object]:
    said = one.said
    known = {
        "tags": joined(said["tags"]),
        "values": orjson.dumps(said["values"]).decode(),
        "file": saved_as(said["id"], said["name"]),
        "url": one.url,
        "expires": one.expires,
    }
    return [known[name] if name in known else said[name] for name in COLUMNS]


def _rows(rows: Iterable[Iterable[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def aria2(batches: Batches) -> Iterator[bytes]:
    """An input file of aria2, which downloads several at once, resumes and verifies."""
    for batch in batches:
        yield "".join(
            f"{one.url}\n  out={file}\n  checksum=sha-256={sha256}\n"
            for one, file, sha256 in _saved(batch)
        ).encode()


def sagemaker(batches: Batches) -> Iterator[bytes]:
    """An augmented manifest, whose objects are read by rights of the reader's own."""
    for batch in batches:
        yield b"".join([_manifest_line(one) for one in batch if one.file])


def _manifest_line(one: Listed) -> bytes:
    assert one.file
    said = one.said
    manifest = {
        "source-ref": f"s3://{settings.S3_BUCKET}/{one.file.key}",
        "labels": said["tags"],
        "values": said["values"],
        "split": said["split"],
        "id": said["id"],
        "sha256": said["sha256"],
    }
    return orjson.dumps(manifest, option=orjson.OPT_APPEND_NEWLINE)


def sha256sum(batches: Batches) -> Iterator[bytes]:
    """What `sha256sum -c` reads in the folder where the files are."""
    for batch in batches:
        yield "".join(f"{sha256}  {file}\n" for _, file, sha256 in _saved(batch)).encode()


def _saved(batch: list[Listed]) -> Iterator[tuple[Listed, str, str]]:
    """Those of which there is a file, with the name to save it as and its checksum."""
    for one in batch:
        if one.file:
            said = one.said
            yield one, saved_as(one.image, said["name"]), said["sha256"]


NDJSON = "ndjson"
FORMATS = {
    NDJSON: Format("application/x-ndjson", "ndjson", ndjson, is_whole=True),
    "csv": Format("text/csv; charset=utf-8", "csv", comma_separated),
    "aria2": Format("text/plain; charset=utf-8", "aria2.txt", aria2),
    "sagemaker": Format("application/jsonlines", "manifest", sagemaker, has_urls=False),
    "sha256sum": Format("text/plain; charset=utf-8", "sha256", sha256sum, has_urls=False),
    "parquet": Format("application/vnd.apache.parquet", "parquet", parquet.write),
}
