"""ImageRecords of lists, without a serializer: a page has a hundred, a stream millions."""

from collections.abc import Callable, Sequence
from typing import Any

import orjson

from images import serving
from images.v1.serializers import VISIBILITY_WORDS
from images.visibility import Viewer
from search.results import Record
from taggedimages.identity.authors import ANONYMOUS_NAME
from tags.implied import implied


def records_of(
    images: Sequence[Record], *, labels: bool = False, implied_for: Viewer | None = None
) -> list[dict[str, Any]]:
    """The ImageRecords of the images of a list; with `labels`, of which each has the names of its
    tags as a list, too, and with `implied_for`, of which each tells that viewer what these imply.
    """
    url_of = serving.urls()
    records = [_record(image, url_of) | (_labels(image) if labels else {}) for image in images]
    if implied_for is not None:
        given = ([tag["id"] for tag in orjson.loads(image.tags)] for image in images)
        for record, found in zip(records, implied(given, implied_for), strict=True):
            record["implied_tags"] = found
    return records


def _record(image: Record, url_of: Callable[..., str]) -> dict[str, Any]:
    shown = {
        "id": image.id,
        "created_by": image.created_by or ANONYMOUS_NAME,
        "created_timestamp": image.created_at,
        "filename": image.filename,
        "size": image.size,
        "tags": orjson.Fragment(image.tags),
        "uploaded_timestamp": image.uploaded_at,
        "url": None
        if image.uploaded_at is None
        else url_of(image.key, image.filename, image.format, image.media_type),
        "visibility": VISIBILITY_WORDS[image.visibility],
    }
    return shown | {"upload_error": image.upload_error} if image.upload_error else shown


def _labels(image: Record) -> dict[str, Any]:
    return {"labels": [tag["name"] for tag in orjson.loads(image.tags)]}
