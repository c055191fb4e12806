"""What lists of images answer, as documented (contract TIM, bodies); the views make it."""

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from images.v1.serializers import ImageRecordSerializer
from taggedimages.v1.pagination import PageMetaSerializer
from tags.v1.serializers import TagSerializer


class TagCountSerializer(TagSerializer):
    """A tag, and how many of the images have it."""

    count = serializers.IntegerField(min_value=1)


class FacetsSerializer(serializers.Serializer[Any]):
    """What is said of all that was found."""

    tags = TagCountSerializer(many=True, help_text="Most frequent first, then by name.")


class ImagePageMetaSerializer(PageMetaSerializer):
    """Which page, how much there is, and as of when."""

    as_of = serializers.IntegerField(
        required=False, min_value=0, help_text="Only there where `as_of` was given: that instant."
    )


@extend_schema_serializer(component_name="ImageBrowsePage", many=False)
class ImageBrowsePageSerializer(serializers.Serializer[Any]):
    """ImageBrowsePage."""

    results = ImageRecordSerializer(many=True)
    meta = ImagePageMetaSerializer()
    facets = FacetsSerializer(required=False, help_text="Only there where `facets` was given.")
