"""The bodies of IMS's tag family, in and out (contract IMS, tag rules and responses)."""

from typing import Any

from django.conf import settings
from rest_framework import serializers

from taggedimages.dialects.ims.codes import TAG_RULE
from taggedimages.dialects.ims.records import STATUSES
from taggedimages.dialects.ims.rules import (
    MAX_KEY,
    MAX_TAG,
    MAX_VALUE,
    TagTextField,
    named,
    printable,
    split,
    word,
)
from taggedimages.http.fields import StrictCharField
from tags.names import normal


class TagSerializer(serializers.Serializer[Any]):
    """A tag to be written."""

    key = TagTextField(max_length=MAX_KEY, validators=[named])
    value = TagTextField(max_length=MAX_VALUE, validators=[printable], allow_blank=True)


class RemovedTagSerializer(serializers.Serializer[Any]):
    """A tag to be removed; a value that is not empty must be the tag's."""

    key = TagTextField(max_length=127)
    value = TagTextField(max_length=255, allow_blank=True, required=False)


class OneTagSerializer(serializers.Serializer[Any]):
    """`{tag: {key, value}}`."""

    tag = TagSerializer()


def distinct(tags: Any) -> Any:
    """Raises ValidationError where a key comes twice."""
    if len({normal(tag["key"]) for tag in tags}) < len(tags):
        raise serializers.ValidationError("A key comes twice.", TAG_RULE)
    return tags


def several(tag: type[serializers.Serializer[Any]]) -> serializers.ListSerializer[Any]:
    """A list of at least one tag."""
    return serializers.ListSerializer(
        child=tag(), allow_empty=False, max_length=settings.MAX_LIST_ITEMS
    )


class BatchActionSerializer(serializers.Serializer[Any]):
    """What to do with the tags of a batch."""

    action = serializers.ChoiceField(choices=["create", "delete"])


class BatchCreateSerializer(serializers.Serializer[Any]):
    """Tags to be written, all or none."""

    action = serializers.ChoiceField(choices=["create"])
    tags = several(TagSerializer)

    def validate_tags(self, tags: Any) -> Any:
        return distinct(tags)


class RemovalSerializer(serializers.Serializer[Any]):
    """Tags to be removed; those that are absent are passed over."""

    tags = several(RemovedTagSerializer)

    def validate_tags(self, tags: Any) -> Any:
        return distinct(tags)


class BatchDeleteSerializer(RemovalSerializer):
    """Tags to be removed in a batch."""

    action = serializers.ChoiceField(choices=["delete"])


BATCHES: dict[str, type[serializers.Serializer[Any]]] = {
    "create": BatchCreateSerializer,
    "delete": BatchDeleteSerializer,
}


class WordTagSerializer(serializers.Serializer[Any]):
    """A tag of one string, taken apart."""

    key = TagTextField(max_length=MAX_KEY, validators=[word, named])
    value = TagTextField(max_length=MAX_VALUE, validators=[word], allow_blank=True)


class CloudTagSerializer(serializers.Serializer[Any]):
    """A tag for an image, as `tag` or as `image_tag`, exactly one of them."""

    image_id = StrictCharField()
    tag = TagTextField(required=False, help_text="`key.value`, `key=value` or `key`.")
    image_tag = TagSerializer(required=False)

    def validate_tag(self, text: str) -> Any:
        key, value = split(text)
        tag = WordTagSerializer(data={"key": key, "value": value})
        tag.is_valid(raise_exception=True)
        return tag.validated_data

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("tag" in attrs) == ("image_tag" in attrs):
            raise serializers.ValidationError("Give either tag or image_tag.")
        return attrs


class OpenStackTagSerializer(serializers.Serializer[Any]):
    """A tag as OpenStack knows it: a key."""

    tag = TagTextField(max_length=MAX_TAG, validators=[word, named])


class TagsSerializer(serializers.Serializer[Any]):
    """The tags of an image."""

    class ShownTagSerializer(serializers.Serializer[Any]):
        """A tag as it is."""

        key = serializers.CharField()
        value = serializers.CharField(allow_blank=True, help_text="Empty: the tag is its key only.")

    tags = ShownTagSerializer(many=True)


class ProjectTagsSerializer(serializers.Serializer[Any]):
    """The tags of a project."""

    class ProjectTagSerializer(serializers.Serializer[Any]):
        """A key with all its values."""

        key = serializers.CharField()
        values = serializers.ListField(child=serializers.CharField(allow_blank=True))

    tags = ProjectTagSerializer(many=True)


class TagStringsSerializer(serializers.Serializer[Any]):
    """Tags as strings."""

    tags = serializers.ListField(child=serializers.CharField(), help_text="`key=value` or `key`.")


class ResourcesSerializer(serializers.Serializer[Any]):
    """How many images were found and, unless they were only counted, the images."""

    class ResourceSerializer(serializers.Serializer[Any]):
        """An image that was found."""

        class DetailSerializer(serializers.Serializer[Any]):
            """What else is known of it."""

            status = serializers.ChoiceField(choices=list(STATUSES))

        resource_id = serializers.UUIDField()
        resource_name = serializers.CharField(allow_blank=True)
        resource_detail = DetailSerializer()
        tags = TagsSerializer.ShownTagSerializer(many=True)

    resources = ResourceSerializer(many=True, required=False)
    total_count = serializers.IntegerField()


class ImageRecordSerializer(serializers.Serializer[Any]):
    """An image as OpenStack shows it."""

    id = serializers.UUIDField()
    name = serializers.CharField(allow_blank=True)
    status = serializers.ChoiceField(choices=list(STATUSES))
    tags = serializers.ListField(child=serializers.CharField(), help_text="`key=value` or `key`.")
    size = serializers.IntegerField(help_text="Bytes.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    visibility = serializers.ChoiceField(choices=["public", "private"])
    owner = serializers.CharField(allow_null=True, help_text="Who made it: a user's name.")
    checksum = serializers.CharField(allow_null=True, help_text="MD5, once the file was read.")
    os_hash_algo = serializers.ChoiceField(choices=["sha256"], allow_null=True)
    os_hash_value = serializers.CharField(allow_null=True, help_text="SHA-256, likewise.")
    min_disk = serializers.IntegerField(help_text="0.")
    min_ram = serializers.IntegerField(help_text="0.")
    protected = serializers.BooleanField(help_text="False.")
    os_hidden = serializers.BooleanField(help_text="False.")
    disk_format = serializers.CharField(allow_null=True, help_text="Null.")
    container_format = serializers.CharField(allow_null=True, help_text="Null.")
    virtual_size = serializers.IntegerField(allow_null=True, help_text="Null.")
    self = serializers.CharField(help_text="Path of this record.")
    file = serializers.CharField(help_text="Path that leads to the file.")
    schema = serializers.CharField(help_text="Path of the JSON schema of this record.")


class MembersSerializer(serializers.Serializer[Any]):
    """The projects that an image of another is shared with one by one: none."""

    members = serializers.ListField(child=serializers.CharField())


class ImagesSerializer(serializers.Serializer[Any]):
    """A page of images."""

    images = ImageRecordSerializer(many=True)
    next = serializers.CharField(
        required=False, help_text="Path and query of the next page, where there is one."
    )
