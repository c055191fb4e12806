"""What lists of images answer, as documented (contract TIM, bodies); the views make it."""

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from images.v1.serializers import ImageRecordSerializer
from tags.v1.serializers import TagSerializer


class PageMetaSerializer(serializers.Serializer[Any]):
    """Which page, and how much there is."""

    current_page = serializers.IntegerField(min_value=0, help_text="0 where `cursor` was given.")
    has_more_pages = serializers.BooleanField()
    total_results = serializers.IntegerField(min_value=0)
    next_cursor = serializers.CharField(
        required=False,
        allow_null=True,
        help_text="Only there where `cursor` was given; null: there is no more.",
    )


class TagCountSerializer(TagSerializer):
    """A tag, and how many of the images have it."""

    count = serializers.IntegerField(min_value=1)


class FacetsSerializer(serializers.Serializer[Any]):
    """What is said of all that was found."""

    tags = TagCountSerializer(many=True, help_text="Most frequent first, then by name.")


@extend_schema_serializer(component_name="ImageBrowsePage", many=False)
class ImageBrowsePageSerializer(serializers.Serializer[Any]):
    """ImageBrowsePage."""

    results = ImageRecordSerializer(many=True)
    meta = PageMetaSerializer()
    facets = FacetsSerializer(required=False, help_text="Only there where `facets` was given.")
