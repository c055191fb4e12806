"""ImageRecords without a serializer: a page has a hundred, a stream millions."""

from collections.abc import Callable, Sequence
from typing import Any

import orjson
from rest_framework.exceptions import NotFound

from images import serving
from images.models import Image
from images.v1.past import with_past_tags
from images.v1.serializers import VISIBILITY_WORDS
from images.visibility import Viewer
from search.results import Record, record_of
from taggedimages.identity.authors import ANONYMOUS_NAME
from tags.implied import implied
from tags.past.showing import Moment
from tags.past.showing import implied as implied_then


def records_of(
    images: Sequence[Record],
    *,
    labels: bool = False,
    implied_for: Viewer | None = None,
    past: Moment | None = None,
    whole: bool = False,
) -> list[dict[str, Any]]:
    """The ImageRecords of the images of a list; with `labels`, of which each has the names of its
    tags as a list, too, and with `implied_for`, of which each tells that viewer what these imply.

    With `past` tags are those of that instant, cut for a page unless records are to be `whole`.
    """
    if past is not None:
        images = with_past_tags(images, past, whole=whole)
    url_of = serving.urls()
    records = [_record(image, url_of) | (_labels(image) if labels else {}) for image in images]
    if implied_for is not None:
        given = [[tag["id"] for tag in orjson.loads(image.tags)] for image in images]
        above = implied(given, implied_for) if past is None else implied_then(given, past)
        for record, found in zip(records, above, strict=True):
            record["implied_tags"] = found
    return records


def shown_record(id: int, viewer: Viewer) -> dict[str, Any]:
    """The ImageRecord of the image with an id, if the viewer is shown it. One statement, without
    the model's and a serializer's cost. Raises NotFound."""
    return _one(record_of(id, viewer))


def one_record(image: Image) -> dict[str, Any]:
    """The ImageRecord of an image that the caller is shown, as it now is. One statement. Raises
    NotFound where it is gone."""
    return _one(record_of(image.pk))


def _one(found: Record | None) -> dict[str, Any]:
    if found is None:
        raise NotFound
    [record] = records_of([found])
    return record | {"tags": orjson.loads(found.tags)}


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
