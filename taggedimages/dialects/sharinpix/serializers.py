"""The bodies of this API: images, tags and the links between them (contract SharinPix)."""

import json
from datetime import UTC
from os.path import splitext
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from images.models import Facts, Image
from taggedimages.dialects.sharinpix import links
from taggedimages.dialects.sharinpix.conventions import timestamp
from taggedimages.http.rows import RowSerializer
from tags import colours
from tags.completion import Completion
from tags.models import ImageTag, Tag

# Shown until the file has been inspected, and where it can't be.
UNKNOWN_FACTS = Facts(md5=b"", color="#7D7D7D")
PAIR = {"type": ["array", "null"], "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
URLS = {"type": "object", "additionalProperties": {"type": ["string", "null"]}}


@extend_schema_field({"type": ["string", "null"], "format": "date-time"})
class TimestampField(serializers.DateTimeField):
    """A time with three decimals and a numeric offset."""

    def to_representation(self, value: Any) -> str | None:  # type: ignore[override]
        return timestamp(value)


class ConstantField(serializers.ReadOnlyField):
    """What this API promises and this service has only one value for."""

    def __init__(self, value: Any) -> None:
        self.value = value
        super().__init__(source="*")

    def to_representation(self, value: Any) -> Any:
        return self.value


@extend_schema_field({"type": "object"})
class EmptyObjectField(ConstantField):
    """`{}`."""


@extend_schema_field(PAIR)
class NoPlaceField(ConstantField):
    """A place that this service never learns."""


def stem_and_format(image: Image) -> tuple[str, str]:
    """The file name without its extension, and that in lower case."""
    stem, extension = splitext(image.filename)
    return stem, extension[1:].lower() or facts_of(image).format


def facts_of(image: Image) -> Facts:
    """What inspection found, or what is shown before it has."""
    return getattr(image, "facts", UNKNOWN_FACTS)


def place_of(image: Image) -> list[float] | None:
    """Latitude and longitude from the file's EXIF, if known."""
    facts = facts_of(image)
    if facts.latitude is None or facts.longitude is None:
        return None
    return [facts.latitude, facts.longitude]


def cropped(image: Image) -> tuple[int, int]:
    """Width and height after the crop: of up to 1 a share of the side, above that pixels."""
    facts = facts_of(image)
    sides = ((image.crop_w, facts.width), (image.crop_h, facts.height))
    width, height = (
        min(round(crop * side if crop <= 1 else crop), side) if crop > 0 else side
        for crop, side in sides
    )
    return width, height


class ImageSerializer(RowSerializer[Image]):
    """Image. Wants `facts` fetched."""

    id = serializers.UUIDField(source="uuid")
    public_id = serializers.UUIDField(source="uuid")
    infos = serializers.SerializerMethodField()
    exifs = serializers.SerializerMethodField()
    gps = serializers.SerializerMethodField()
    gps_ip = NoPlaceField(None)
    gps_exifs = serializers.SerializerMethodField()
    gps_html = NoPlaceField(None)
    created_at = TimestampField()
    updated_at = TimestampField()
    taken_at = serializers.SerializerMethodField()
    width = serializers.SerializerMethodField(help_text="After the crop.")
    height = serializers.SerializerMethodField(help_text="After the crop.")
    rotation = serializers.IntegerField()
    crop_x = serializers.FloatField()
    crop_y = serializers.FloatField()
    crop_w = serializers.FloatField()
    crop_h = serializers.FloatField()
    metadatas = EmptyObjectField({})
    original_url = serializers.SerializerMethodField(help_text="Null until the file is there.")
    original_width = serializers.SerializerMethodField()
    original_height = serializers.SerializerMethodField()
    external_urls = serializers.SerializerMethodField()
    filename = serializers.SerializerMethodField(help_text="Without its extension.")
    format = serializers.SerializerMethodField(help_text="The extension, in lower case.")
    title = serializers.CharField(allow_null=True)
    description = serializers.SerializerMethodField()
    page = serializers.SerializerMethodField()
    group_id = serializers.SerializerMethodField()
    color = serializers.SerializerMethodField()
    size = serializers.IntegerField()
    processed = serializers.SerializerMethodField(
        help_text="Whether width, height, colour and etag stay, as found in the file or unknown."
    )
    processing_error = serializers.SerializerMethodField()
    album_id = serializers.CharField()
    thumbnails = serializers.SerializerMethodField()

    @extend_schema_field({"type": "object"})
    def get_infos(self, image: Image) -> dict[str, Any]:
        facts, place = facts_of(image), place_of(image)
        stem, extension = stem_and_format(image)
        infos = {
            "bytes": image.size,
            "created_at": f"{image.created_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "etag": facts.md5_hex,
            "format": extension,
            "height": facts.height,
            "resource_type": "image",
            "tags": [image.album_id],
            "type": "authenticated",
            "width": facts.width,
            "original_filename": stem,
        }
        if place:
            # No camera tells how sure it is.
            located = {"accuracy": None, "latitude": place[0], "longitude": place[1]}
            infos["location"] = located
        return infos

    @extend_schema_field({"type": "object"})
    def get_exifs(self, image: Image) -> dict[str, Any]:
        return facts_of(image).exif or {}

    @extend_schema_field(PAIR)
    def get_gps(self, image: Image) -> list[float] | None:
        return place_of(image)

    @extend_schema_field(PAIR)
    def get_gps_exifs(self, image: Image) -> list[float] | None:
        return place_of(image)

    def get_taken_at(self, image: Image) -> str | None:
        return timestamp(facts_of(image).taken_at)

    def get_width(self, image: Image) -> int:
        return cropped(image)[0]

    def get_height(self, image: Image) -> int:
        return cropped(image)[1]

    def get_original_url(self, image: Image) -> str | None:
        return self._links(image).original

    def get_original_width(self, image: Image) -> int:
        return facts_of(image).width

    def get_original_height(self, image: Image) -> int:
        return facts_of(image).height

    @extend_schema_field(URLS)
    def get_external_urls(self, image: Image) -> dict[str, str | None]:
        return self._links(image).external

    def get_filename(self, image: Image) -> str:
        return stem_and_format(image)[0]

    def get_format(self, image: Image) -> str:
        return stem_and_format(image)[1]

    def get_description(self, image: Image) -> str | None:
        return image.description or None

    def get_page(self, image: Image) -> int:
        return 1

    def get_group_id(self, image: Image) -> str | None:
        return None

    def get_color(self, image: Image) -> str:
        return facts_of(image).color.upper() or UNKNOWN_FACTS.color

    def get_processed(self, image: Image) -> bool:
        return image.processed_at is not None or bool(image.upload_error)

    def get_processing_error(self, image: Image) -> str | None:
        return image.reason or None

    @extend_schema_field(URLS)
    def get_thumbnails(self, image: Image) -> dict[str, str | None]:
        return self._links(image).thumbnails

    # Of the image of a row, which three fields have.
    _row: tuple[Image, links.Links] | None = None

    def _links(self, image: Image) -> links.Links:
        if self._row is None or self._row[0] is not image:
            self._row = image, links.of(image)
        return self._row[1]


class TagSerializer(RowSerializer[Tag]):
    """Tag."""

    id = serializers.UUIDField(source="uuid")
    created_at = TimestampField()
    name = serializers.CharField()
    label = serializers.SerializerMethodField(help_text="JSON of {en, fr}.")  # type: ignore[assignment]
    url = serializers.SerializerMethodField()
    public = serializers.BooleanField()
    listed = serializers.BooleanField()
    action = serializers.SerializerMethodField()
    visible = serializers.BooleanField()
    color = serializers.SerializerMethodField()
    color_contrast = serializers.SerializerMethodField()
    allow_download = serializers.BooleanField()
    label_en = serializers.SerializerMethodField()
    label_fr = serializers.SerializerMethodField()

    def get_label(self, tag: Tag) -> str:
        labels = {"en": tag.label_en or tag.name, "fr": tag.label_fr or tag.name}
        return json.dumps(labels, ensure_ascii=False, separators=(",", ":"))

    def get_url(self, tag: Tag) -> str:
        return f"/public_tags/{tag.uuid}"

    @extend_schema_field({"type": "object"})
    def get_action(self, tag: Tag) -> dict[str, Any]:
        return {"actions": []}

    def get_color(self, tag: Tag) -> str:
        return colours.shown(tag.color)

    def get_color_contrast(self, tag: Tag) -> str:
        return colours.contrast(tag.color)

    def get_label_en(self, tag: Tag) -> str:
        return tag.label_en or tag.name

    def get_label_fr(self, tag: Tag) -> str:
        return tag.label_fr or tag.name


class SuggestedTagSerializer(TagSerializer):
    """Tag, as completed while typing."""

    class Meta:
        fields = ("id", "name", "color", "color_contrast", "label_en", "label_fr")

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        return {name: fields[name] for name in self.Meta.fields}

    def to_representation(self, tag: Tag | Completion) -> dict[str, Any]:
        # Field by field, a hundred tags would take longer than finding them.
        return {
            "id": str(tag.uuid),
            "name": tag.name,
            "color": colours.shown(tag.color),
            "color_contrast": colours.contrast(tag.color),
            "label_en": tag.label_en or tag.name,
            "label_fr": tag.label_fr or tag.name,
        }


class TagImageSerializer(RowSerializer[ImageTag]):
    """TagImage: a tag on an image. Wants `tag`, `user`, and `image` with `facts` fetched."""

    id = serializers.UUIDField(source="uuid")
    created_at = TimestampField()
    user = serializers.SerializerMethodField(help_text="Who tagged; null if anonymous.")
    image = ImageSerializer()
    tag = TagSerializer()

    @extend_schema_field({"type": ["string", "null"], "format": "uuid"})
    def get_user(self, link: ImageTag) -> str | None:
        return str(link.user.uuid) if link.user else None


class TrashedImageSerializer(RowSerializer[Image]):
    """TrashedImage."""

    id = serializers.UUIDField(source="uuid")
    deleted_at = TimestampField(source="ended_at")
    thumbnail_url = serializers.SerializerMethodField()

    def get_thumbnail_url(self, image: Image) -> str | None:
        return links.of(image).thumbnails["mini"]


class PublicImageSerializer(serializers.Serializer[Image]):
    """PublicImage: the short form, for whoever has the link to a public tag."""

    id = serializers.UUIDField(source="uuid")
    public_id = serializers.UUIDField(source="uuid")
    filename = serializers.SerializerMethodField()
    format = serializers.SerializerMethodField()
    title = serializers.CharField(allow_null=True)
    description = serializers.SerializerMethodField()
    width = serializers.SerializerMethodField()
    height = serializers.SerializerMethodField()
    created_at = TimestampField()
    original_url = serializers.SerializerMethodField(help_text="If the tag allows downloads.")
    thumbnails = serializers.SerializerMethodField()

    get_filename = ImageSerializer.get_filename
    get_format = ImageSerializer.get_format
    get_description = ImageSerializer.get_description
    get_width = ImageSerializer.get_width
    get_height = ImageSerializer.get_height

    def get_original_url(self, image: Image) -> str | None:
        return links.of(image).original if self.context["allow_download"] else None

    @extend_schema_field(URLS)
    def get_thumbnails(self, image: Image) -> dict[str, str | None]:
        urls = links.of(image).thumbnails
        return {name: urls[name] for name in ("full", "large", "mini")}
