"""Image records as /v1 reads and writes them (contract TIM, bodies and input rules)."""

import base64
import binascii
import re
from typing import Any

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from images import file_names, part_uploads, serving
from images.models import Image
from images.visibility import Visibility
from taggedimages.epochs import epoch_seconds
from taggedimages.http.fields import StrictCharField, StrictIntegerField
from taggedimages.identity.authors import ANONYMOUS_NAME
from tags import vocabulary
from tags.v1.serializers import TagNamesField, TagSerializer

VISIBILITY_WORDS = [str(label) for label in Visibility.labels]


@extend_schema_field({"type": "string", "enum": VISIBILITY_WORDS})
class VisibilityField(serializers.Field[Visibility, Any, str, Any]):
    """Who is shown it: `public`, everybody; `project`, its members; `private`, its creator."""

    default_error_messages = {"invalid": "Must be public, project or private."}

    def to_internal_value(self, data: Any) -> Visibility:
        if not (isinstance(data, str) and data in VISIBILITY_WORDS):
            self.fail("invalid")
        return Visibility[data.upper()]

    def to_representation(self, value: int) -> str:
        return VISIBILITY_WORDS[value]


@extend_schema_serializer(component_name="ImageCreateInput")
class ImageCreateSerializer(serializers.Serializer[Any]):
    """ImageCreateInput."""

    filename = StrictCharField(min_length=3, max_length=160)
    size = StrictIntegerField(
        required=False, min_value=1, help_text="Bytes that will be sent; checked when told."
    )
    tags = TagNamesField(required=False, default=list)
    visibility = VisibilityField(
        required=False, help_text="As the service is set (TAGGEDIMAGES_VISIBILITY) if absent."
    )
    content_type = StrictCharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=100,
        help_text="Bound to `upload_url`: the PUT has to send it. Empty: none.",
    )
    sha256 = StrictCharField(
        required=False,
        allow_blank=True,
        default="",
        help_text=(
            "Of the file, 64 hexadecimal digits; bound to `upload_url`, held by the store. "
            "Empty: none."
        ),
    )
    parts = StrictIntegerField(
        required=False,
        min_value=1,
        max_value=part_uploads.MAX_PARTS,
        help_text="In how many parts the file will be sent, by S3's rules; needs `size`.",
    )
    part_size = StrictIntegerField(
        required=False,
        min_value=1,
        help_text="Bytes of each part but the last; bound to the URLs of parts. Needs `parts`.",
    )

    def validate_content_type(self, value: str) -> str:
        if value and not re.fullmatch(r"[\w.+-]+/[\w.+-]+", value, re.ASCII):
            raise serializers.ValidationError("Not a media type, such as image/png.")
        return value.lower()

    def validate_sha256(self, value: str) -> bytes:
        if value and not re.fullmatch("[0-9a-fA-F]{64}", value):
            raise serializers.ValidationError("64 hexadecimal digits.")
        return bytes.fromhex(value)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "parts" in attrs:
            self._check_parts(attrs)
        elif "part_size" in attrs:
            raise serializers.ValidationError({"part_size": ["Needs parts."]})
        return attrs

    def _check_parts(self, attrs: dict[str, Any]) -> None:
        if "size" not in attrs:
            raise serializers.ValidationError({"size": ["Needed where there are parts."]})
        if attrs["sha256"]:
            raise serializers.ValidationError({"sha256": ["Does not go with parts."]})
        try:
            part_uploads.check_plan(attrs["size"], attrs["parts"], attrs.get("part_size"))
        except part_uploads.BadPlan as error:
            raise serializers.ValidationError({"parts": [str(error)]}) from error

    def validate_filename(self, value: str) -> str:
        if why := file_names.fault(value):
            raise serializers.ValidationError(why)
        return value


@extend_schema_serializer(component_name="UploadCreateInput")
class UploadCreateSerializer(ImageCreateSerializer):
    """UploadCreateInput: the image itself comes with its record."""

    # Unknown here, so ignored.
    size = content_type = sha256 = parts = part_size = None  # type: ignore[assignment]
    image_data = StrictCharField(trim_whitespace=False, help_text="Standard base64.")

    def validate_image_data(self, value: str) -> bytes:
        try:
            data = base64.b64decode("".join(value.split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise serializers.ValidationError("Not standard base64.") from error
        if not data:
            raise serializers.ValidationError("The image is empty.")
        return data


@extend_schema_serializer(component_name="ImageUpdateInput")
class ImageUpdateSerializer(serializers.Serializer[Any]):
    """ImageUpdateInput."""

    tags = TagNamesField(required=False, help_text="Needed unless `visibility` is sent.")
    visibility = VisibilityField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError(
                {"tags": [self.fields["tags"].error_messages["required"]]}
            )
        return attrs


@extend_schema_serializer(component_name="ImageCreatedResponse")
class ImageCreatedSerializer(serializers.Serializer[Any]):
    """ImageCreatedResponse."""

    id = serializers.IntegerField()
    upload_url = serializers.URLField(
        allow_null=True,
        help_text=(
            "Takes one PUT of the file, for an hour. null: there is nothing to send, the image "
            "of this id has the file; only where `sha256` was given and duplicates are reused."
        ),
    )
    upload_headers = serializers.DictField(
        child=serializers.CharField(),
        required=False,
        help_text="What the PUT has to send; there where content_type or sha256 was given.",
    )


class PartToSendSerializer(serializers.Serializer[Any]):
    """PartToSend."""

    number = serializers.IntegerField(min_value=1, max_value=part_uploads.MAX_PARTS)
    url = serializers.URLField(help_text="Takes a PUT of this part, for an hour.")


class PartedUploadSerializer(serializers.Serializer[Any]):
    """PartedUpload: what POST /images answers where parts were asked for."""

    id = serializers.IntegerField()
    upload_id = serializers.CharField()
    parts = PartToSendSerializer(many=True)


class PartSerializer(PartToSendSerializer):
    """Part: sent, then with size and etag; or to be sent, then with a URL."""

    size = serializers.IntegerField(allow_null=True, help_text="null: has not arrived.")
    etag = serializers.CharField(allow_null=True, help_text="null: has not arrived.")
    url = serializers.URLField(allow_null=True, help_text="null: has arrived.")


class PartsSerializer(PartedUploadSerializer):
    """Parts: how far an upload is."""

    parts = PartSerializer(many=True)


class SentPartSerializer(serializers.Serializer[Any]):
    """SentPart."""

    number = StrictIntegerField(min_value=1, max_value=part_uploads.MAX_PARTS)
    etag = StrictCharField(min_length=1, max_length=255, help_text="As the store answered.")


@extend_schema_serializer(component_name="CompleteInput")
class CompleteSerializer(serializers.Serializer[Any]):
    """CompleteInput: the parts that make the file, where it was sent in parts."""

    upload_id = StrictCharField(required=False, min_length=1, max_length=1024)
    parts = serializers.ListField(
        child=SentPartSerializer(),
        required=False,
        allow_empty=False,
        max_length=part_uploads.MAX_PARTS,
    )

    def validate_parts(self, value: list[dict[str, Any]]) -> list[tuple[int, str]]:
        parts = {part["number"]: part["etag"] for part in value}
        if len(parts) < len(value):
            raise serializers.ValidationError("Each part once.")
        return sorted(parts.items())

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) == 1:
            raise serializers.ValidationError("upload_id and parts go together.")
        return attrs


class ImpliedTagSerializer(TagSerializer):
    """ImpliedTag: a tag that an image has by implications alone."""

    because = serializers.ListField(
        child=serializers.IntegerField(), help_text="Ids of those of its tags that imply it."
    )


class ImageTagSerializer(TagSerializer):
    """A tag of an image; with `as_of`, also what differed."""

    value = serializers.CharField(
        required=False, help_text="Only with `as_of`: the value that it had, if there was one."
    )
    name_now = serializers.CharField(
        required=False,
        allow_null=True,
        help_text=(
            "Only with `as_of`, and where the tag is not called so any more: its name today; null "
            "where it is gone, or the caller is not shown it."
        ),
    )
    name_then = serializers.CharField(
        required=False,
        allow_null=True,
        help_text=(
            "Only with `as_of` and `vocabulary=now`, and where the tag was not called so yet: its "
            "name then; null where there was no such tag."
        ),
    )


class InstantSerializer(serializers.Serializer[Any]):
    """Of which instant a record is."""

    as_of = serializers.IntegerField(min_value=0, help_text="Epoch seconds.")


class ImageRecordSerializer(serializers.Serializer[Image]):
    """ImageRecord."""

    id = serializers.IntegerField()
    created_by = serializers.SerializerMethodField(help_text="User name, or `anonymous`.")
    created_timestamp = serializers.SerializerMethodField(help_text="Epoch seconds.")
    filename = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes: declared until the file is present.")
    tags = serializers.SerializerMethodField()
    uploaded_timestamp = serializers.SerializerMethodField(
        help_text="Epoch seconds; null until the file is present."
    )
    url = serializers.SerializerMethodField(
        help_text="Reads the file, for an hour; null until it is present."
    )
    visibility = VisibilityField()
    upload_error = serializers.CharField(
        required=False, help_text="Only there when what was sent was not taken: why."
    )
    labels = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="Only there in lists where `labels` was asked for: the names of its tags.",
    )
    implied_tags = ImpliedTagSerializer(
        many=True,
        required=False,
        help_text="Only there where `implied` was asked for: what its tags imply, by name.",
    )
    meta = InstantSerializer(
        required=False,
        help_text="Only there where `as_of` was given, and in no page, which has its own.",
    )

    def get_created_by(self, image: Image) -> str:
        return image.created_by.username if image.created_by else ANONYMOUS_NAME

    def get_created_timestamp(self, image: Image) -> int:
        return epoch_seconds(image.created_at)

    @extend_schema_field(ImageTagSerializer(many=True))
    def get_tags(self, image: Image) -> list[dict[str, Any]]:
        tags = vocabulary.targets([link.tag for link in image.imagetag_set.all()])
        return [{"id": tag.pk, "name": tag.name} for tag in tags]

    def get_uploaded_timestamp(self, image: Image) -> int | None:
        return epoch_seconds(image.uploaded_at) if image.uploaded_at else None

    def get_url(self, image: Image) -> str | None:
        return serving.url(image) if image.uploaded_at else None

    def to_representation(self, instance: Image) -> dict[str, Any]:
        record = super().to_representation(instance)
        if not record["upload_error"]:
            del record["upload_error"]
        return record


class UploadedSerializer(ImageRecordSerializer):
    """What POST /upload answers: the record, and a PUT for the same key, which replaces nothing."""

    upload_url = serializers.CharField(
        allow_null=True,
        read_only=True,
        help_text=(
            "A PUT of the very same bytes, should the store have lost them, with "
            "`If-None-Match: *` and their SHA-256 in base64 as `x-amz-checksum-sha256`; it "
            "replaces nothing. null where an image that was there is answered."
        ),
    )


class TagChangeSerializer(serializers.Serializer[Any]):
    """One line of the ledger of an image's tags."""

    id = serializers.IntegerField()
    change_id = serializers.UUIDField(help_text="Shared by all lines of one change.")
    change = serializers.IntegerField(
        source="bulk",
        allow_null=True,
        help_text="The change of many images that it is a part of.",
    )
    image_id = serializers.IntegerField()
    tag = serializers.SerializerMethodField()
    action = serializers.SerializerMethodField(help_text="What happened to the link.")
    old_value = serializers.CharField(allow_null=True, help_text="null: no link before.")
    new_value = serializers.CharField(allow_null=True, help_text="null: no link after.")
    created_by = serializers.SerializerMethodField(help_text="Who: a name, or `anonymous`.")
    created_timestamp = serializers.SerializerMethodField(help_text="When: epoch seconds.")
    through = serializers.CharField(help_text="Through what: `v1`, `admin`, `sql`, ...")

    @extend_schema_field(TagSerializer)
    def get_tag(self, change: Any) -> dict[str, Any]:
        return {"id": change.tag_id, "name": change.shown_name}

    def get_action(self, change: Any) -> str:
        if change.old_value is None:
            return "add"
        return "remove" if change.new_value is None else "change"

    def get_created_by(self, change: Any) -> str:
        return change.user_name or ANONYMOUS_NAME

    def get_created_timestamp(self, change: Any) -> int:
        return epoch_seconds(change.changed_at)
