"""The statement of a release, which is what is signed (contract of releases, the statement)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import orjson

from taggedimages.datasets.chunks import Written
from taggedimages.datasets.lines import release_digest
from taggedimages.datasets.models import Release
from taggedimages.epochs import epoch_seconds

# What is told of splits: what was asked for, what each consists of, and that nothing leaks.
SPLITS = ("asked", "splits", "proof")


def statement(
    release: Release, written: Written, report: dict[str, Any], created: datetime
) -> bytes:
    """What a release says of itself for good, as JSON with sorted keys.

    `as_of` is the instant of tags, values and names: what was asked for by `as_of`, or that of the
    snapshot in which it was built.
    """
    dataset = release.dataset
    said = {
        "as_of": epoch_seconds(release.as_of or created),
        "bytes": written.bytes,
        "chunks": _hex(written.digests),
        "contracts": report["contracts"],
        "created": epoch_seconds(created),
        "dataset": dataset.name,
        "digest": release_digest(written.digests),
        "excluded": report["excluded"],
        "group": dataset.group,
        "license": dataset.license,
        "members": written.members,
        "query": release.query,
        "splits": {name: report[name] for name in SPLITS} if report["splits"] else None,
        "version": release.number,
    }
    return orjson.dumps(said, option=orjson.OPT_SORT_KEYS)


def quote(release: Release) -> str:
    """How a release is quoted: `knees@3 sha256:…`."""
    return f"{release.dataset.name}@{release.number} {release.digest}"


def cite(release: Release, url: str) -> str:
    """A release as BibTeX, with where it is read."""
    year = release.released_at.year if release.released_at else ""
    name, number = release.dataset.name, release.number
    return (
        f"@misc{{{name}-{number},\n"
        f"  title = {{{name}, release {number}}},\n"
        f"  year = {{{year}}},\n"
        f"  note = {{{quote(release)}}},\n"
        f"  url = {{{url}}}\n"
        "}"
    )


def _hex(digests: Iterable[bytes]) -> list[str]:
    return [digest.hex() for digest in digests]
