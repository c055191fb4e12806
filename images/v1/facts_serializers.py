"""What is known of files, as /v1 tells and asks it."""

import re
from datetime import datetime
from typing import Any

from django.conf import settings
from rest_framework import serializers

from images import likeness, previews
from images.models import Image
from images.v1.serializers import ImageRecordSerializer
from taggedimages.epochs import epoch_seconds
from taggedimages.http.fields import QueryIntegerField, StrictCharField

STATES = ("pending", "uploaded", "ready", "failed")
FORMATS = ("png", "jpeg", "gif", "webp", "tiff", "bmp", "avif", "heic", "dicom")


class PreviewsSerializer(serializers.Serializer[Any]):
    """URLs that show an image smaller, as WebP."""

    mini = serializers.URLField(allow_null=True, help_text="A square of 100 pixels.")
    large = serializers.URLField(allow_null=True, help_text="A square of 200 pixels.")
    full = serializers.URLField(allow_null=True, help_text="All of it within 1920 pixels.")


class FactsSerializer(serializers.Serializer[Any]):
    """All that inspection has found out about the file of an image."""

    state = serializers.ChoiceField(STATES)
    reason = serializers.CharField(
        allow_null=True, help_text="Why the file can never be read: a word, a colon, more."
    )
    format = serializers.ChoiceField(FORMATS, allow_null=True)
    media_type = serializers.CharField(allow_null=True)
    width = serializers.IntegerField(allow_null=True, help_text="Pixels, as stored.")
    height = serializers.IntegerField(allow_null=True, help_text="Pixels, as stored.")
    orientation = serializers.IntegerField(allow_null=True, help_text="As in EXIF, 1 to 8.")
    color = serializers.CharField(allow_null=True, help_text="The average, `#RRGGBB`.")
    sha256 = serializers.CharField(allow_null=True, help_text="Hexadecimal.")
    md5 = serializers.CharField(allow_null=True, help_text="Hexadecimal.")
    size = serializers.IntegerField(help_text="Bytes.")
    taken_at = serializers.IntegerField(allow_null=True, help_text="Epoch seconds.")
    exif = serializers.DictField()
    gps = serializers.ListField(
        child=serializers.FloatField(),
        min_length=2,
        max_length=2,
        allow_null=True,
        help_text="Degrees north and east.",
    )
    dicom = serializers.DictField(allow_null=True, help_text="Header fields by keyword.")
    thumbhash = serializers.CharField(allow_null=True, help_text="Base64.")
    previews = PreviewsSerializer()
    duplicates = serializers.ListField(
        child=serializers.IntegerField(), help_text="Ids of images with the same bytes."
    )
    attempts = serializers.IntegerField(help_text="Inspections that were begun.")
    processed_at = serializers.IntegerField(allow_null=True, help_text="Epoch seconds.")


class LookupSerializer(serializers.Serializer[Any]):
    """Checksums to look for."""

    sha256 = serializers.ListField(
        child=StrictCharField(), max_length=settings.MAX_LIST_ITEMS, help_text="Hexadecimal."
    )

    def validate_sha256(self, values: list[str]) -> list[str]:
        if not all(re.fullmatch("[0-9a-fA-F]{64}", value) for value in values):
            raise serializers.ValidationError("Each is 64 hexadecimal digits.")
        return values


class LookupResultSerializer(serializers.Serializer[Any]):
    """The images with each checksum that was asked for and found."""

    results = serializers.DictField(
        child=serializers.ListField(child=serializers.IntegerField()),
        help_text="Ids by checksum, as it was written; of images that the caller may see.",
    )


class SimilarParameters(serializers.Serializer[Any]):
    """How many."""

    limit = QueryIntegerField(default=10, min_value=1, max_value=100, help_text="At most so many.")


class SimilarSerializer(serializers.Serializer[Any]):
    """An image that looks like another."""

    distance = serializers.IntegerField(help_text="Bits of 64 in which the fingerprints differ.")
    image = ImageRecordSerializer()


class SimilarListSerializer(serializers.Serializer[Any]):
    """Images that look like another, nearest first."""

    results = SimilarSerializer(many=True)


def facts_of(image: Image, user: likeness.Caller) -> dict[str, Any]:
    """The facts of an image as FactsSerializer documents them; null where nothing is known yet."""
    facts = image.known_facts
    return {
        "state": image.state,
        "reason": image.reason or None,
        "format": (facts and facts.format) or None,
        "media_type": facts.media_type if facts else None,
        "width": (facts and facts.width) or None,
        "height": (facts and facts.height) or None,
        "orientation": facts.orientation if facts else None,
        "color": (facts and facts.color) or None,
        "sha256": facts.sha256_hex if facts else None,
        "md5": facts.md5_hex if facts else None,
        "size": image.size,
        "taken_at": _epoch(facts.taken_at if facts else None),
        "exif": facts.exif if facts else {},
        "gps": [facts.latitude, facts.longitude] if facts and facts.latitude is not None else None,
        "dicom": facts.dicom if facts else None,
        "thumbhash": (facts and facts.thumbhash) or None,
        "previews": previews.urls(image) or dict.fromkeys(("mini", "large", "full")),
        "duplicates": likeness.duplicates(image, user),
        "attempts": image.attempts,
        "processed_at": _epoch(image.processed_at),
    }


def _epoch(at: datetime | None) -> int | None:
    return epoch_seconds(at) if at else None
