"""What narrows IMS's lists of images, as Queries (contract IMS, resource_instances/action)."""

from collections.abc import Set
from dataclasses import replace
from typing import Any

from rest_framework import serializers

from images.models import Image
from images.visibility import Viewer
from search.query import Query, TagValues
from taggedimages.dialects.ims.codes import TAG_RULE
from taggedimages.dialects.ims.rules import TagTextField
from taggedimages.dialects.ims.serializers import distinct
from taggedimages.http.fields import QueryIntegerField, StrictBooleanField, StrictCharField

MAX_KEYS, MAX_VALUES = 10, 10


class KnownFields(serializers.Serializer[Any]):
    """Refuses what it does not know: a condition that is passed over would find too much."""

    # Fields without a meaning here.
    ignored: Set[str] = frozenset()

    def to_internal_value(self, data: Any) -> Any:
        known = self.fields.keys() | self.ignored
        if isinstance(data, dict) and (unknown := sorted(data.keys() - known)):
            raise serializers.ValidationError({unknown[0]: ["There is no such field."]})
        return super().to_internal_value(data)


class WantedTagSerializer(KnownFields):
    """A key and the values it may have; none listed: any."""

    key = TagTextField(max_length=128)
    values = serializers.ListField(
        child=TagTextField(max_length=255, allow_blank=True),
        max_length=MAX_VALUES,
        required=False,
        default=list,
    )

    def validate_values(self, values: list[str]) -> list[str]:
        if len(set(values)) < len(values):
            raise serializers.ValidationError("A value comes twice.", TAG_RULE)
        return values


def wanted(help_text: str) -> serializers.ListSerializer[Any]:
    """A list of tags with values; an empty one narrows nothing."""
    return serializers.ListSerializer(
        child=WantedTagSerializer(), required=False, max_length=MAX_KEYS, help_text=help_text
    )


class MatchSerializer(KnownFields):
    """A property of the image: part of its name, or its id."""

    key = serializers.ChoiceField(choices=["resource_name", "resource_id"])
    value = StrictCharField(allow_blank=True, trim_whitespace=False)


class ActionSerializer(serializers.Serializer[Any]):
    """Whether images are wanted, or how many there are."""

    action = serializers.ChoiceField(choices=["filter", "count"])


class CountSerializer(KnownFields):
    """Which images are counted."""

    ignored = frozenset({"limit", "offset"})
    action = serializers.ChoiceField(choices=["count"])
    tags = wanted("All of these.")
    tags_any = wanted("At least one of these.")
    not_tags = wanted("Not all of these at once.")
    not_tags_any = wanted("None of these.")
    without_any_tag = StrictBooleanField(
        required=False, help_text="Only images without tags; the four lists are ignored."
    )
    matches = MatchSerializer(many=True, required=False)

    def validate_tags(self, tags: Any) -> Any:
        return distinct(tags)

    validate_tags_any = validate_not_tags = validate_not_tags_any = validate_matches = validate_tags


class FilterSerializer(CountSerializer):
    """Which images are wanted, and which part of them."""

    action = serializers.ChoiceField(choices=["filter"])
    limit = QueryIntegerField(default=10, min_value=1, max_value=1000)
    offset = QueryIntegerField(default=0, min_value=0)


ACTIONS: dict[str, type[serializers.Serializer[Any]]] = {
    "filter": FilterSerializer,
    "count": CountSerializer,
}


def query_of(asked: dict[str, Any]) -> Query:
    """The Query of a filter or a count."""
    matches = {match["key"]: match["value"] for match in asked.get("matches", ())}
    name = matches.get("resource_name")
    query = Query(
        uuid=matches.get("resource_id"),
        name=name if name == "" else None,
        name_contains=name or "",
    )
    if asked.get("without_any_tag"):
        return replace(query, untagged=True)
    return replace(
        query,
        with_all=_tags(asked, "tags"),
        with_any=(some,) if (some := _tags(asked, "tags_any")) else (),
        without_all=_tags(asked, "not_tags"),
        without_any=_tags(asked, "not_tags_any"),
    )


def _tags(asked: dict[str, Any], field: str) -> tuple[TagValues, ...]:
    return tuple(TagValues(tag["key"], tuple(tag["values"])) for tag in asked.get(field, ()))


def viewer_of(project_id: str) -> Viewer:
    """A project as a viewer: it is shown its own images, and all of them.

    Where there is no other project, no image need be asked whose it is. One statement.
    """
    alone = Image.objects.are_all_of(project_id)
    return Viewer(audiences=None, project=None if alone else project_id)
