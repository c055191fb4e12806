"""Tags as /v1 reads and writes them (contract TIM, input rules)."""

import re
import unicodedata
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from taggedimages.http.fields import TagNameField
from taggedimages.v1.pagination import PageMetaSerializer
from tags.models import Tag


class TagSerializer(serializers.Serializer[Tag]):
    """Tag."""

    id = serializers.IntegerField()
    name = serializers.CharField()


@extend_schema_serializer(component_name="TagBrowsePage", many=False)
class TagBrowsePageSerializer(serializers.Serializer[Any]):
    """TagBrowsePage."""

    results = TagSerializer(many=True)
    meta = PageMetaSerializer()


@extend_schema_serializer(component_name="TagInput")
class TagNameSerializer(serializers.Serializer[Any]):
    """TagCreateInput and TagUpdateInput."""

    name = TagNameField(min_length=3, max_length=160)


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
