"""What goes with a tag, and what somebody may be typing: /v1/tags/{id}/related and /suggest."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from images.visibility import Viewer
from search.v1.serializers import TagCountSerializer
from taggedimages.http.fields import QueryIntegerField
from taggedimages.http.rate_limits import limit
from taggedimages.http.reading import read
from taggedimages.identity.rate_limits import Kind
from tags.models import Tag
from tags.v1.access import shown_target
from tags.v1.details import images_of


class RelatedParameters(serializers.Serializer[Any]):
    """How many of the tags that go with one."""

    limit = QueryIntegerField(
        default=20, min_value=1, max_value=100, help_text="At most so many; there are 99 at most."
    )


class RelatedSerializer(serializers.Serializer[Any]):
    """The tags that go with one."""

    results = TagCountSerializer(many=True, help_text="Most frequent first, then by name.")


class TagFindingViewSet(GenericViewSet[Tag]):
    """Tags by what they are found with."""

    @extend_schema(
        operation_id="listRelatedTags",
        summary="The tags that images have beside this one",
        description=(
            "`count` is how many images have both, of those that the caller is shown: exact, of "
            "one moment, and at most what `facets=tags` lists of the images with the tag."
        ),
        parameters=[RelatedParameters],
        responses=RelatedSerializer,
    )
    def related(self, request: Request, id: str) -> Response:
        most = read(RelatedParameters, request.query_params)["limit"]
        tag = shown_target(request, id)
        limit(request, Kind.SEARCHES)
        found = images_of(tag, Viewer.of(request.user)).facets()
        others = [other for other in found if other["id"] != tag.pk]
        return Response({"results": others[:most]})
