"""Images of a search as the lines of an export: what `manage.py export` says of each of them."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from django.db import connection

from images.visibility import Visibility
from search.results import SearchResults
from taggedimages.datasets.reading import NamedTags, TagReader
from taggedimages.postgresql.bulk import array
from tags.names import joined
from tags.past import showing
from tags.past.showing import Moment

# What is said of each image, in this order; what is not known is null.
COLUMNS = (
    *("id", "uuid", "filename", "title", "description", "key", "bytes", "sha256", "md5"),
    *("format", "media_type", "width", "height", "orientation", "color", "taken"),
    *("latitude", "longitude", "state", "reason", "visibility", "project", "created_by"),
    *("created", "uploaded", "updated", "tags", "values"),
)
# What files say of themselves besides, where it is asked for.
HEADERS = ("exif", "dicom")

# In the order of COLUMNS up to the tags, then HEADERS; `state` and `reason` as the image's own
# (images.models.Image).
IMAGES = """
SELECT i.id, i.uuid::text, i.filename, i.title, i.description, i.key, i.size,
       encode(f.sha256, 'hex'), encode(f.md5, 'hex'),
       nullif(f.format, ''), f.media_type, nullif(f.width, 0), nullif(f.height, 0), f.orientation,
       nullif(f.color, ''), f.taken_at, f.latitude, f.longitude,
       CASE WHEN r.reason <> '' THEN 'failed' WHEN i.uploaded_at IS NULL THEN 'pending'
            WHEN i.processed_at IS NULL THEN 'uploaded' ELSE 'ready' END,
       nullif(r.reason, ''), i.visibility, i.project_id, u.username,
       i.created_at, i.uploaded_at, i.updated_at, {headers}
FROM unnest(%s::bigint[]) WITH ORDINALITY wanted (id, place)
JOIN images_image i USING (id)
LEFT JOIN images_facts f ON f.image_id = i.id
LEFT JOIN identity_user u ON u.id = i.created_by_id
CROSS JOIN LATERAL (SELECT coalesce(
    nullif(i.upload_error, ''), CASE WHEN i.processed_at IS NOT NULL THEN f.problem END, ''
)) r (reason)
ORDER BY place
"""
NO_TAGS = NamedTags([], [])
VISIBILITIES = {choice.value: str(choice.label) for choice in Visibility}
# What spreadsheets take for a formula, behind any number of quotes that keep them from it.
FORMULA = re.compile(r"'*[=+\-@\t\r]")


class Piece(NamedTuple):
    """Some lines of an export, and how many images they tell of."""

    images: int
    text: bytes


class Json:
    """A value of a record that the database has as JSON, and which stays as it is."""

    def __init__(self, text: str) -> None:
        self.text = text


Record = dict[str, Any]
# Makes lines of records; with none, what stands before the first.
Write = Callable[[list[Record]], bytes]


def pieces(found: SearchResults, write: Write, *, headers: bool) -> Iterator[Piece]:
    """All that is found, some hundred images at a time, in its order. Raises what searches do.

    What it tells is of one state where the caller's transaction is.
    """
    yield Piece(0, write([]))
    tags_of = _tags_of(found)
    for images in found.ids():
        records = _records(images, tags_of(images), headers=headers)
        yield Piece(len(records), write(records))


def ndjson(records: list[Record]) -> bytes:
    """An object a line."""
    return b"".join(
        [orjson.dumps(one, default=_fragment, option=orjson.OPT_APPEND_NEWLINE) for one in records]
    )


def _fragment(value: Json) -> orjson.Fragment:
    return orjson.Fragment(value.text)


def comma_separated(records: list[Record]) -> bytes:
    """A table without its head (RFC 4180): `tags` delimited by pipes, `values` and headers JSON.

    No cell is a formula to a spreadsheet: a quote stands before what would be one.
    """
    text = io.StringIO()
    csv.writer(text).writerows(map(_cells, records))
    return text.getvalue().encode()


def table(headers: bool) -> Write:
    """Makes rows of records, and with none the head of the table."""
    head = ",".join([*COLUMNS, *(HEADERS if headers else ())]) + "\r\n"
    return lambda records: comma_separated(records) if records else head.encode()


def _cells(record: Record) -> list[object]:
    written = record | {
        "tags": joined(record["tags"]),
        "values": orjson.dumps(record["values"]).decode(),
    }
    return [_cell(value) for value in written.values()]


def _cell(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Json):
        return value.text
    return f"'{value}" if isinstance(value, str) and FORMULA.match(value) else value


def _tags_of(found: SearchResults) -> Callable[[Sequence[int]], dict[int, NamedTags]]:
    query = found.query
    if query.as_of is None:
        return TagReader().of
    moment = Moment(query.as_of, query.vocabulary_now, found.viewer)
    return lambda images: {
        image: NamedTags(
            sorted(tag["name"] for tag in tags),
            sorted([tag["name"], tag["value"]] for tag in tags if "value" in tag),
        )
        for image, tags in showing.tags_of(images, moment).items()
    }


def _records(
    images: Sequence[int], tags: dict[int, NamedTags], *, headers: bool
) -> list[dict[str, Any]]:
    """What is said of some images, in their order."""
    asked = "f.exif::text, f.dicom::text" if headers else "NULL, NULL"
    with connection.cursor() as cursor:
        cursor.execute(IMAGES.format(headers=asked), [array(images)])
        rows = cursor.fetchall()
    records = []
    for *told, exif, dicom in rows:
        names, values = tags.get(told[0], NO_TAGS)
        record = dict(zip(COLUMNS, (*told, names, values), strict=True))
        record["visibility"] = VISIBILITIES[record["visibility"]]
        if headers:
            record["exif"] = None if exif is None else Json(exif)
            record["dicom"] = None if dicom is None else Json(dicom)
        records.append(record)
    return records
