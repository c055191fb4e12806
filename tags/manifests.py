r"""What is known of files before they are imported: from a manifest, or from their paths.

A manifest is CSV with a header line, JSON (a list of objects) or NDJSON (an object a line). Names
of its columns: `filename` or `key`, the path within the source; `tags`, in CSV divided by `|` (a
name that has one writes `\|`, and `\\` for a backslash before it), in JSON a list or an object of
names and values; `created` and `uploaded`, epoch seconds or ISO 8601; `size` in bytes;
`visibility`, one of its words, or `private`; `description`. All but the first may be missing.
"""

import csv
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from images.sources import Found
from images.visibility import Visibility
from taggedimages.postgresql.text import is_storable
from tags import names


class BadRow(ValueError):
    """A row of a manifest that cannot be imported; the text says which and why."""


class BadManifest(ValueError):
    """A manifest that cannot be read at all."""


@dataclass(frozen=True)
class Row:
    """What is known of one file; None where nothing is."""

    path: str
    tags: dict[str, str] = field(default_factory=dict)
    created_at: datetime | None = None
    uploaded_at: datetime | None = None
    size: int | None = None
    visibility: Visibility | None = None
    description: str = ""
    # The file itself, where the source was listed.
    found: Found | None = None


Known = Row | BadRow
TagsOf = Callable[[str], dict[str, str]]


def read(path: Path, tags_of: TagsOf) -> Iterator[Known]:
    """The rows of a manifest, one after the other; bad ones as errors with their number.

    Each has the tags that its path tells, and its own. Raises BadManifest.
    """
    lines = READERS.get(path.suffix.lower())
    if lines is None:
        raise BadManifest("A manifest is a .csv, .json or .ndjson file.")
    try:
        for number, line in enumerate(lines(path), 1):
            yield _row(number, line, tags_of)
    except (OSError, ValueError, csv.Error, RecursionError) as error:
        raise BadManifest(f"{path.name} cannot be read: {error}") from error


def length(path: Path) -> int | None:
    """About how many rows a manifest has, from its lines; None where that cannot be told."""
    if path.suffix.lower() == ".json" or not path.is_file():
        return None
    with path.open("rb") as file:
        lines = sum(block.count(b"\n") for block in iter(lambda: file.read(2**20), b""))
    return lines - 1 if path.suffix.lower() == ".csv" else lines


def path_pattern(pattern: str) -> TagsOf:
    """A function that finds tags in paths.

    `{tag}` is a folder or a part of one, `{tags}` any number of folders, `{filename}` the file,
    `*` anything but a slash. A path that does not fit has no tags.

    >>> path_pattern("{tag}/*/{tag}-{filename}")("knee/2026/left-1.png")
    {'knee': '', 'left': ''}
    >>> path_pattern("{tags}/{filename}")("a/b/1.png")
    {'a': '', 'b': ''}
    """
    parts = re.split(r"(\{tags\}/?|\{tag\}|\{filename\}|\*)", pattern)
    fits = re.compile("".join(PIECES.get(part.rstrip("/"), re.escape(part)) for part in parts))

    def tags_of(path: str) -> dict[str, str]:
        found = fits.fullmatch(path)
        folders = [name for group in found.groups() for name in group.split("/")] if found else []
        return {name: "" for folder in folders if (name := _name_or_none(folder))}

    return tags_of


PIECES = {
    "{tag}": "([^/]+?)",
    "{tags}": "((?:[^/]+/)*)",
    "{filename}": "[^/]+",
    "*": "[^/]*",
}


def _name_or_none(text: str) -> str | None:
    """The name of a tag that a folder tells; a path does not always mean one."""
    try:
        return names.entered(text)
    except names.BadName:
        return None


def _csv(path: Path) -> Iterator[Any]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        for line in csv.DictReader(file):
            tags = names.split(line.get("tags") or "")
            yield {**line, "tags": [tag for tag in tags if tag.strip()]}


def _ndjson(path: Path) -> Iterator[Any]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)


def _json(path: Path) -> Iterator[Any]:
    rows = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(rows, list):
        raise BadManifest("A JSON manifest is a list of objects.")
    yield from rows


READERS = {".csv": _csv, ".json": _json, ".ndjson": _ndjson, ".jsonl": _ndjson}


def _row(number: int, line: Any, tags_of: TagsOf) -> Known:
    try:
        path = _text(line.get("filename") or line.get("key"), "filename or key")
        return Row(
            path=path,
            tags=tags_of(path) | _tags(line.get("tags") or []),
            created_at=_time(line.get("created")),
            uploaded_at=_time(line.get("uploaded")),
            size=_size(line.get("size")),
            visibility=_visibility(line),
            description=_clean(str(line.get("description") or "")),
        )
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        return BadRow(f"row {number}: {error}")


def _tags(given: Any) -> dict[str, str]:
    pairs = given if isinstance(given, dict) else dict.fromkeys(given, "")
    tags = {
        names.entered(_text(name, "a tag")): _clean(str(value or ""))
        for name, value in pairs.items()
    }
    if any(len(value) > names.MAX_LENGTH for value in tags.values()):
        raise ValueError(f"a value is longer than {names.MAX_LENGTH} characters")
    return tags


def _text(given: Any, what: str) -> str:
    if not isinstance(given, str) or not given.strip():
        raise ValueError(f"{what} is missing or no text")
    return _clean(given.strip())


def _clean(text: str) -> str:
    if not is_storable(text):
        raise ValueError("null characters and surrogates cannot be stored")
    return text


def _visibility(line: Any) -> Visibility | None:
    given = line.get("visibility")
    if given not in (None, ""):
        if given not in Visibility.labels:
            raise ValueError(f"visibility is one of: {', '.join(map(str, Visibility.labels))}")
        return Visibility[given.upper()]
    private = str(line.get("private") or "false").lower() in ("true", "1")
    return Visibility.PRIVATE if private else None


def _size(given: Any) -> int | None:
    if given in (None, ""):
        return None
    if not 0 <= (size := int(given)) < 2**63:
        raise ValueError("a size is 0 or more")
    return size


def _time(given: Any) -> datetime | None:
    if given in (None, ""):
        return None
    if re.fullmatch(r"\d+(\.\d+)?", str(given)):
        return datetime.fromtimestamp(float(given), UTC)
    at = datetime.fromisoformat(str(given))
    return at if at.tzinfo else at.replace(tzinfo=UTC)
