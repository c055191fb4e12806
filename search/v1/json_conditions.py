"""The conditions of /v1/search/images in a body: the same names, and JSON's own types."""

from typing import Any

from django.conf import settings
from rest_framework import serializers
from rest_framework.fields import empty

from search.query import Query
from search.v1.parameters import QueryParameters, query_of
from taggedimages.http.fields import (
    PipedListField,
    QueryBooleanField,
    QueryChoiceField,
    QueryIntegerField,
    StrictBooleanField,
    StrictCharField,
    StrictIntegerField,
)
from taggedimages.http.reading import ClosedSerializer

MAX_IDS = 10_000


class TextsField(serializers.ListField):
    """A list of texts, which say what they say: there is no delimiter."""

    child = StrictCharField(trim_whitespace=False)

    def run_validation(self, data: Any = empty) -> Any:
        _check_length(data, settings.MAX_SEARCH_TERMS)
        return _as_tuple(super().run_validation(data))


class IdsField(serializers.ListField):
    """Ids of images; none at all would find nothing, and is refused."""

    child = StrictIntegerField(min_value=1)

    def run_validation(self, data: Any = empty) -> Any:
        _check_length(data, MAX_IDS)
        return _as_tuple(super().run_validation(data))


def _as_tuple(items: Any) -> Any:
    return tuple(items) if isinstance(items, list) else items


def _check_length(data: Any, most: int) -> None:
    """Raise ValidationError for a long list, before any item is looked at."""
    if isinstance(data, list) and len(data) > most:
        raise serializers.ValidationError(f"At most {most} items.")


def as_json(field: serializers.Field[Any, Any, Any, Any]) -> serializers.Field[Any, Any, Any, Any]:
    """What takes in a body what a field takes in a query string."""
    said: dict[str, Any] = {"default": field.default, "help_text": field.help_text}
    match field:
        case PipedListField():
            text = str(field.help_text).removesuffix(", delimited by pipes.")
            return TextsField(**said | {"help_text": f"{text}."})
        case QueryBooleanField():
            return StrictBooleanField(**said)
        case QueryIntegerField():
            return StrictIntegerField(**said, min_value=field.min_value)
        case QueryChoiceField():
            return serializers.ChoiceField(list(field.choices), **said)
    return StrictCharField(**said, allow_blank=True, trim_whitespace=False)


class JsonConditions(ClosedSerializer):
    """Every condition of /v1/search/images; all that are given must hold."""

    ids = IdsField(
        default=None,
        allow_empty=False,
        help_text=f"Only images of these ids, {MAX_IDS} at most.",
    )
    everything = StrictBooleanField(
        default=False, help_text="In place of all conditions: every image that one is shown."
    )

    def get_fields(self) -> dict[str, Any]:
        of_searches = QueryParameters().get_fields()
        # No condition, and frozen images have no order.
        del of_searches["order"]
        return {name: as_json(field) for name, field in of_searches.items()} | super().get_fields()


def json_query(values: dict[str, Any]) -> Query:
    """What the values of JsonConditions ask for. Raises ValidationError where they narrow nothing,
    and do not say so by `everything`."""
    query = query_of(values)
    if query.narrows == values["everything"]:
        raise serializers.ValidationError(
            "everything goes with no condition."
            if query.narrows
            else 'Give a condition, or "everything": true for all images.'
        )
    return query
