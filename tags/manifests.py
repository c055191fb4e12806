r"""What is known of files before they are imported, from a manifest.

A manifest is CSV with a header line, JSON (a list of objects) or NDJSON (an object a line), in
UTF-8. Its columns, in any case and with blanks around them: `filename` or `key`, the path within
the source; `tags`, in CSV divided by `|` (`\|` is one within a name, `\\` a backslash), in JSON a
list or an object of names and values; `created` and `uploaded`, epoch seconds or ISO 8601, where
eight digits are a date; `size` in bytes; `visibility`, one of its words, or `private`, yes or no in
the words of `taggedimages.truth`; `description`. All but the first may be missing or empty.

What is not understood is never taken for what is not given. A column of another name ends an import
before it begins, and a row with anything that cannot be used is left out and told.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

from images import file_names
from images.sources import Found
from images.visibility import Visibility
from taggedimages.quoting import escaped, quoted
from tags import manifest_files, manifest_values, names
from tags.manifest_files import BadRow, Fields
from tags.manifest_values import BadValue
from tags.path_tags import TagsOf

# Of a path, of which a manifest may have millions.
DIGEST_BYTES = 16


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
    # Which of a manifest.
    number: int | None = None

    def __str__(self) -> str:
        path = escaped(self.path)
        return path if self.number is None else f"row {self.number}: {path}"


def read(path: Path, tags_of: TagsOf, path_of: Callable[[str], str]) -> Iterator[Row | BadRow]:
    """The rows of a manifest, one after the other; bad ones as errors with their number.

    Each has the path in the one form that `path_of` gives it, which no other row has, and the tags
    that the path tells beside its own. Raises manifest_files.BadManifest.
    """
    seen: set[bytes] = set()
    for number, fields in enumerate(manifest_files.rows(path), 1):
        if isinstance(fields, BadRow):
            yield BadRow(f"row {number}: {fields}")
            continue
        try:
            row = _row(number, fields, tags_of, path_of)
        except ValueError as error:
            yield BadRow(f"row {number}: {error}")
            continue
        digest = blake2b(row.path.encode(), digest_size=DIGEST_BYTES).digest()
        yield BadRow(f"{row}: is in a row before") if digest in seen else row
        seen.add(digest)


def length(path: Path) -> int | None:
    """About how many rows a manifest has, from its lines; None where that cannot be told."""
    if path.suffix.lower() == ".json" or not path.is_file():
        return None
    with path.open("rb") as file:
        lines = sum(block.count(b"\n") for block in iter(lambda: file.read(2**20), b""))
    return lines - 1 if path.suffix.lower() == ".csv" else lines


def _row(number: int, fields: Fields, tags_of: TagsOf, path_of: Callable[[str], str]) -> Row:
    """Raises ValueError, which says what is wrong."""
    path = path_of(_path(fields))
    if file_names.is_of_a_system(path) or file_names.is_side_car(path):
        raise BadValue("filename", path, "is no picture but what a system keeps beside them")
    return Row(
        path=path,
        tags=_tags_of(path, tags_of) | manifest_values.tags("tags", fields.get("tags")),
        created_at=manifest_values.time("created", fields.get("created")),
        uploaded_at=manifest_values.time("uploaded", fields.get("uploaded")),
        size=manifest_values.size("size", fields.get("size")),
        visibility=_visibility(fields),
        description=manifest_values.text("description", fields.get("description")),
        number=number,
    )


def _path(fields: Fields) -> str:
    filename, key = (manifest_values.path(name, fields.get(name)) for name in ("filename", "key"))
    if filename and key and filename != key:
        raise ValueError(f"filename and key differ: {quoted(filename)}, {quoted(key)}")
    if not (path := filename or key):
        raise ValueError("filename or key is missing")
    return path


def _tags_of(path: str, tags_of: TagsOf) -> dict[str, str]:
    try:
        return tags_of(path)
    except names.BadName as error:
        raise BadValue("tags", path, f"has a folder that is no name of a tag: {error}") from error


def _visibility(fields: Fields) -> Visibility | None:
    given = manifest_values.visibility("visibility", fields.get("visibility"))
    private = manifest_values.is_true("private", fields.get("private"))
    if given is None:
        return Visibility.PRIVATE if private else None
    # As in the contract's README, rule 12: private is what is not public.
    if private is not None and private != (given != Visibility.PUBLIC):
        raise ValueError(f"visibility {given.label} and private differ")
    return given
