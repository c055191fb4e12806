"""Tags as /v1 reads and writes them (contract TIM, input rules)."""

import re
import unicodedata
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from taggedimages.http.fields import (
    StrictBooleanField,
    StrictIntegerField,
    TagNameField,
)
from taggedimages.v1.pagination import PageMetaSerializer
from tags.models import Tag
from tags.names import normal

STATUS_HELP = (
    "`deprecated`: no longer suggested, and put on no further images in `/v1`. "
    "`locked`: changed, put on images and taken off by staff alone."
)


class TagSerializer(serializers.Serializer[Tag]):
    """Tag."""

    id = serializers.IntegerField()
    name = serializers.CharField()


class CategoryField(TagNameField):
    """A short text, or none, of what a name may be of."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"allow_blank": True, "max_length": 64, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        return normal(super().to_internal_value(data))


class TagDetailSerializer(TagSerializer):
    """All that is told of one tag."""

    aliases = TagSerializer(many=True, help_text="What else it is called, in alphabetical order.")
    parents = TagSerializer(many=True, help_text="What it implies, one step away.")
    children = TagSerializer(many=True, help_text="What implies it, one step away.")
    images = serializers.IntegerField(
        min_value=0,
        help_text=(
            "How many images that the caller is shown have it, or an alias of it: exact, and the "
            "`total_results` of `/v1/tags/{id}/images`. Those that have a child are not among them."
        ),
    )
    status = serializers.ChoiceField(Tag.Status.values, help_text=STATUS_HELP)
    category = serializers.CharField(help_text="What kind of thing it names; empty: none is said.")


@extend_schema_serializer(component_name="TagBrowsePage", many=False)
class TagBrowsePageSerializer(serializers.Serializer[Any]):
    """TagBrowsePage."""

    results = TagSerializer(many=True)
    meta = PageMetaSerializer()


@extend_schema_serializer(component_name="TagInput")
class TagNameSerializer(serializers.Serializer[Any]):
    """TagCreateInput."""

    name = TagNameField(min_length=3, max_length=160)


@extend_schema_serializer(component_name="TagUpdateInput")
class TagUpdateSerializer(serializers.Serializer[Any]):
    """TagUpdateInput, and what is ours beside it."""

    name = TagNameField(
        min_length=3,
        max_length=160,
        required=False,
        help_text="Needed unless `status` or `category` is sent.",
    )
    keep_old = StrictBooleanField(
        default=False, help_text="Whether the name that it had goes on resolving, as an alias."
    )
    status = serializers.ChoiceField(Tag.Status.values, required=False, help_text=STATUS_HELP)
    category = CategoryField(required=False, help_text="What kind of thing it names; empty: none.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs.keys() & {"name", "status", "category"}:
            raise serializers.ValidationError({"name": ["This field is required."]})
        return attrs


class TagUpdatedSerializer(TagDetailSerializer):
    """A tag after it was changed: `id` and `name`, and the rest where `keep_old`, `status` or
    `category` was sent."""

    aliases = TagSerializer(many=True, required=False)
    parents = TagSerializer(many=True, required=False)
    children = TagSerializer(many=True, required=False)
    images = serializers.IntegerField(min_value=0, required=False)
    status = serializers.ChoiceField(Tag.Status.values, required=False)
    category = serializers.CharField(required=False)


class AliasSerializer(serializers.Serializer[Any]):
    """Of which tag another is to be an alias."""

    of = StrictIntegerField(help_text="The id of the target.")


class ImplicationsSerializer(serializers.Serializer[Any]):
    """Which tags a tag is to imply."""

    parents = serializers.ListField(
        child=StrictIntegerField(),
        max_length=settings.MAX_LIST_ITEMS,
        help_text="Ids of tags; none: it implies nothing.",
    )


# Without the letters that are not seen, which fill the place of one in Hangul.
PLAIN_NAME = re.compile(r"(?!.*[\u115f\u1160\u3164\uffa0])\w(?:[\w .:/-]{0,158}\w)?").fullmatch


def is_plain(name: str) -> bool:
    """Whether the checks of a name would leave it as it is: most names, in a tenth of the time."""
    return bool(PLAIN_NAME(name)) and unicodedata.is_normalized("NFC", name)


class TagNamesField(serializers.ListField):
    """Names of tags, each 1 to 160 characters."""

    child = TagNameField(min_length=1, max_length=160)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=settings.MAX_LIST_ITEMS, **kwargs)

    def run_child_validation(self, data: list[Any]) -> list[Any]:
        if all(isinstance(name, str) and is_plain(name) for name in data):
            return data
        validated: list[Any] = super().run_child_validation(data)
        return validated
