"""Tags as /v1 reads and writes them (contract TIM, input rules)."""

from typing import Any

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
