"""Notifications of object stores, in the shapes that they send, read as bucket and key.

Events are hints: they get lost, come twice and late. What is believed is the store itself.
"""

import json
from typing import Any
from urllib.parse import unquote_plus

from django.conf import settings

from images import keys, uploads
from images.models import Image
from taggedimages.postgresql.text import is_storable

FILER_BUCKETS = "/buckets/"


class UnknownEvent(ValueError):
    """The notification has none of the known shapes."""


def objects_in(message: Any) -> list[tuple[str, str]]:
    """Bucket and key of every object that a notification says was created.

    Knows AWS S3 and MinIO (`Records`), AWS SNS around them (`Type`, `Message`), the S3 test
    event, and SeaweedFS's filer webhook (`key`, `event_type`). Raises UnknownEvent.
    """
    if not isinstance(message, dict):
        raise UnknownEvent("An event is a JSON object.")
    if isinstance(message.get("Records"), list):
        if len(message["Records"]) > settings.MAX_LIST_ITEMS:
            raise UnknownEvent("No store tells of so many objects at once.")
        return [found for record in message["Records"] if (found := _of_record(record))]
    if "Type" in message:
        return _of_sns(message)
    if message.get("Event") == "s3:TestEvent":
        return []
    if isinstance(message.get("key"), str) and isinstance(message.get("event_type"), str):
        return _of_filer(message)
    raise UnknownEvent("The event has none of the known shapes: Records, SNS, SeaweedFS.")


def take(objects: list[tuple[str, str]]) -> None:
    """Confirm the pending images of these objects; remove late writes to taken ones.

    Repeated events and unknown keys change nothing. Raises storage.StorageUnavailable.
    """
    ours = [
        key
        for bucket, key in objects
        # No record has a key that cannot be stored.
        if bucket == settings.S3_BUCKET and is_storable(key)
    ]
    known = [*ours, *(keys.archived(key) for key in ours)]
    for image in Image.objects.filter(key__in=known):
        if image.uploaded_at is None:
            uploads.confirm(image)
        elif keys.upload_key(image.key) in ours:
            uploads.discard_late(image)


def _of_record(record: Any) -> tuple[str, str] | None:
    try:
        name = record.get("eventName", "ObjectCreated")
        bucket, key = record["s3"]["bucket"]["name"], record["s3"]["object"]["key"]
    except (AttributeError, KeyError, TypeError) as error:
        raise UnknownEvent("A record lacks s3.bucket.name or s3.object.key.") from error
    if not all(isinstance(value, str) for value in (name, bucket, key)):
        raise UnknownEvent("A record's eventName, bucket name and key are strings.")
    # S3 sends keys form-encoded.
    return (bucket, unquote_plus(key)) if "ObjectCreated" in name else None


def _of_sns(message: dict[str, Any]) -> list[tuple[str, str]]:
    if message["Type"] != "Notification":
        # A subscription is confirmed by a person: the service fetches no URL that it is sent.
        return []
    try:
        inner = json.loads(message.get("Message", ""))
    except (ValueError, TypeError, RecursionError) as error:
        raise UnknownEvent("The SNS message is not JSON.") from error
    if isinstance(inner, dict) and "Type" in inner and "Records" not in inner:
        raise UnknownEvent("An SNS message within an SNS message.")
    return objects_in(inner)


def _of_filer(message: dict[str, Any]) -> list[tuple[str, str]]:
    bucket, _, key = message["key"].removeprefix(FILER_BUCKETS).partition("/")
    written = message["event_type"] in ("create", "update", "rename")
    return [(bucket, key)] if written and message["key"].startswith(FILER_BUCKETS) else []
