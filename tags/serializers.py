"""Tags as /v1 reads and writes them (contract TIM, input rules)."""

from typing import Any

from rest_framework import serializers

from taggedimages.api.fields import StrictCharField
from tags.models import Tag


class TagSerializer(serializers.Serializer[Tag]):
    """Tag."""

    id = serializers.IntegerField()
    name = serializers.CharField()


class TagNameSerializer(serializers.Serializer[Any]):
    """TagCreateInput and TagUpdateInput."""

    name = StrictCharField(min_length=3, max_length=160)
