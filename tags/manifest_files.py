"""The rows of a manifest's file, whatever its kind, as texts and values by column.

What is wrong with one row is told in its place, and reading goes on after it; what is wrong with
the file or its columns ends it before the first row.
"""

import csv
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

from taggedimages.quoting import escaped, quoted
from tags import names
from tags.manifest_values import MAX_CHARACTERS, BadValue

COLUMNS = (
    *("filename", "key", "tags", "created", "uploaded", "size"),
    *("visibility", "private", "description"),
)
UNKNOWN = f"none of {', '.join(COLUMNS)}"
# After so many, quotes that are not closed are given up. Fields that are too long are told of by
# us, since csv tells neither which they are nor goes on after them.
MAX_RECORD_CHARACTERS = 8 * MAX_CHARACTERS
csv.field_size_limit(2**31 - 1)
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
DELIMITERS = ";\t"


class BadRow(ValueError):
    """A row of a manifest that cannot be imported; the text says which and why."""


class BadManifest(ValueError):
    """A manifest that cannot be read at all."""


Fields = dict[str, Any]


def rows(path: Path) -> Iterator[Fields | BadRow]:
    """The rows of a file, one after the other. Raises BadManifest."""
    read = READERS.get(path.suffix.lower())
    if read is None:
        raise BadManifest("A manifest is a .csv, .json or .ndjson file.")
    name = escaped(path.name)
    try:
        with path.open("rb") as file:
            if file.read(2) in UTF16_MARKS:
                raise BadManifest("It is UTF-16. Save it as UTF-8.")
        # Bytes that are no UTF-8 become marks, which the row that has them is refused for.
        with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
            yield from read(file)
    except BadManifest as error:
        raise BadManifest(f"{name}: {error}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise BadManifest(f"{name} cannot be read: {error}") from error


def _csv(file: TextIO) -> Iterator[Fields | BadRow]:
    records = (record for record in _records(file) if record)
    head = next(records, None)
    if head is None:
        raise BadManifest("There is no line that names its columns.")
    if isinstance(head, BadRow):
        raise BadManifest(f"The line that names its columns cannot be read: {head}.")
    columns = _columns(head)
    for record in records:
        yield record if isinstance(record, BadRow) else _fields(columns, record)


def _columns(head: list[str]) -> list[str]:
    """The columns that a header names. Raises BadManifest."""
    columns = [name.strip().casefold() for name in head]
    for number, (name, written) in enumerate(zip(columns, head, strict=True), 1):
        if name not in COLUMNS:
            divided = next(
                (f"; columns are divided by commas, not {it!r}" for it in DELIMITERS if it in name),
                "",
            )
            raise BadManifest(f"Column {number} is {quoted(written)}, which is {UNKNOWN}{divided}.")
        if columns.index(name) < number - 1:
            raise BadManifest(f"Column {number} is {quoted(written)} again.")
    if not {"filename", "key"} & set(columns):
        raise BadManifest("There is no column filename or key.")
    return columns


def _fields(columns: list[str], record: list[str]) -> Fields | BadRow:
    if len(record) != len(columns):
        return BadRow(f"{len(record)} fields, {len(columns)} columns: {quoted(record[0])}")
    fields: Fields = dict(zip(columns, record, strict=True))
    if max(map(len, record)) > MAX_CHARACTERS:
        column = max(columns, key=lambda name: len(fields[name]))
        return BadRow(str(BadValue.too_long(column, fields[column])))
    if fields.get("tags"):
        listed = names.split(fields["tags"])
        fields["tags"] = [tag for tag in listed if tag and not tag.isspace()]
    return fields


def _records(file: TextIO) -> Iterator[list[str] | BadRow]:
    """The fields of each record; none of an empty line.

    A record goes over several lines where a text between quotes does. Where its quotes make no
    sense, its first line alone is lost, and those after it are read again.
    """
    again: deque[str] = deque()

    def take() -> str:
        return again.popleft() if again else file.readline()

    while line := take():
        lines = [line]
        record = _record(lines, take)
        if isinstance(record, BadRow):
            again.extendleft(reversed(lines[1:]))
        yield record


def _record(lines: list[str], take: Callable[[], str]) -> list[str] | BadRow:
    """The record that a line begins; `lines` are those that were looked at for it."""
    size = len(lines[0])
    while True:
        try:
            return next(csv.reader(["".join(lines)], strict=True, skipinitialspace=True), [])
        except csv.Error as error:
            if str(error) != "unexpected end of data":
                return BadRow(f"{error}: {quoted(lines[0])}")
        while size < MAX_RECORD_CHARACTERS and (more := take()):
            lines.append(more)
            size += len(more)
            if '"' in more:
                break
        else:
            return BadRow(f"a quote is not closed: {quoted(lines[0])}")


def _ndjson(file: TextIO) -> Iterator[Fields | BadRow]:
    for line in file:
        if line.strip():
            try:
                yield _object(json.loads(line, object_pairs_hook=Pairs))
            except (ValueError, RecursionError) as error:
                yield BadRow(f"{quoted(line.strip())} is no JSON: {error}")


def _json(file: TextIO) -> Iterator[Fields | BadRow]:
    listed = json.loads(file.read(), object_pairs_hook=Pairs)
    if not isinstance(listed, list) or isinstance(listed, Pairs):
        raise BadManifest("A JSON manifest is a list of objects.")
    yield from map(_object, listed)


class Pairs(list[tuple[str, Any]]):
    """A JSON object as it is written: a name may be in it twice."""


def _object(row: Any) -> Fields | BadRow:
    if not isinstance(row, Pairs):
        return BadRow(f"{quoted(row)} is no object")
    try:
        fields = _once((name.strip().casefold(), value) for name, value in row)
        if unknown := next((name for name in fields if name not in COLUMNS), None):
            return BadRow(f"{quoted(unknown)} is {UNKNOWN}")
        return {
            name: _once(value) if isinstance(value, Pairs) else value
            for name, value in fields.items()
        }
    except ValueError as error:
        return BadRow(str(error))


def _once(pairs: Iterable[tuple[str, Any]]) -> Fields:
    fields: Fields = {}
    for name, value in pairs:
        if name in fields:
            raise ValueError(f"{quoted(name)} is there twice")
        fields[name] = value
    return fields


READERS: dict[str, Callable[[TextIO], Iterator[Fields | BadRow]]] = {
    ".csv": _csv,
    ".json": _json,
    ".ndjson": _ndjson,
    ".jsonl": _ndjson,
}
