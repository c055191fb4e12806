"""What goes with a tag, and which one may be meant: /v1/tags/{id}/related and /v1/tags/suggest."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from images.visibility import Viewer
from search.v1.serializers import TagCountSerializer
from taggedimages.http.fields import QueryIntegerField, QueryValue
from taggedimages.http.rate_limits import limit
from taggedimages.http.reading import read
from taggedimages.identity.rate_limits import Kind
from tags.models import Tag
from tags.names import MAX_LENGTH
from tags.suggesting import suggestions
from tags.v1.access import shown_target
from tags.v1.details import images_of
from tags.v1.serializers import TagSerializer


class TypedField(QueryValue, serializers.CharField):
    """What somebody has typed so far; a blank belongs to it at its end, not at its start."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, max_length=MAX_LENGTH, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        text: str = super().to_internal_value(data).lstrip()
        if not text:
            self.fail("blank")
        return text


class RelatedParameters(serializers.Serializer[Any]):
    """How many of the tags that go with one."""

    limit = QueryIntegerField(
        default=20, min_value=1, max_value=100, help_text="At most so many; there are 99 at most."
    )


class SuggestParameters(serializers.Serializer[Any]):
    """What is typed, and how many tags are suggested."""

    q = TypedField(help_text="What is typed: the start of a name, or a part of it, in any case.")
    limit = QueryIntegerField(
        default=10, min_value=1, max_value=100, help_text="At most so many tags."
    )


class SuggestionSerializer(TagSerializer):
    """A tag that may be meant."""

    alias = serializers.CharField(
        allow_null=True, help_text="Its alias that was met; null where its own name was."
    )


class SuggestionsSerializer(serializers.Serializer[Any]):
    """The tags that may be meant."""

    results = SuggestionSerializer(many=True)


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

    @extend_schema(
        operation_id="suggestTags",
        summary="Tags that somebody may mean who types",
        description=(
            "First those whose names begin so, then those that have it anywhere, both in "
            "alphabetical order. An alias comes as its target, each tag once; deprecated tags "
            "never."
        ),
        parameters=[SuggestParameters],
        responses=SuggestionsSerializer,
    )
    def suggest(self, request: Request) -> Response:
        asked = read(SuggestParameters, request.query_params)
        limit(request, Kind.SEARCHES)
        found = suggestions(Viewer.of(request.user), asked["q"], asked["limit"])
        return Response({"results": [one._asdict() for one in found]})
