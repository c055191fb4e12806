"""Serializer fields that take JSON's types as they are and convert nothing."""

import re
from typing import Any

from django.conf import settings
from django.core.validators import MaxLengthValidator, MinLengthValidator
from django.http import QueryDict
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import empty

from taggedimages.postgresql.text import is_storable
from tags.names import fault, normal, split

MAX_INT64 = 2**63 - 1
WHOLE_NUMBER = re.compile(r"-?[0-9]{1,19}\Z")


class StrictCharField(serializers.CharField):
    """A JSON string, trimmed; numbers are not taken for strings."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


def _length_in_nfc(x: Any) -> int:
    return len(normal(x))


class NameLength(serializers.CharField):
    """Of a field for names of tags: they are as long as they are in form NFC."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for validator in self.validators:
            if isinstance(validator, MinLengthValidator | MaxLengthValidator):
                validator.clean = _length_in_nfc  # type: ignore[method-assign]


class TagNameField(NameLength, StrictCharField):
    """The name of a tag, as it is given but for trimming: `tags.names` says what it may be."""

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if name and (why := fault(name)):
            raise serializers.ValidationError(why, "characters")
        return name


class StrictBooleanField(serializers.BooleanField):
    """A JSON boolean; numbers and strings are refused."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class StrictIntegerField(serializers.IntegerField):
    """A JSON integer of 64 bits; booleans and strings are refused."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_value": MAX_INT64, **kwargs})

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool | str):
            self.fail("invalid")
        return super().to_internal_value(data)


class QueryValue(serializers.Field[Any, Any, Any, Any]):
    """What a query string says of a field; `page=` is an empty value there, not an absent one."""

    def get_value(self, dictionary: Any) -> Any:
        return dictionary.get(self.field_name, empty)


class QueryIntegerField(QueryValue, serializers.IntegerField):
    """A whole number of 64 bits in a query string, in plain ASCII digits."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_value": MAX_INT64, "min_value": -MAX_INT64 - 1, **kwargs})

    def to_internal_value(self, data: Any) -> int:
        if not WHOLE_NUMBER.match(str(data)):
            self.fail("invalid")
        value: int = super().to_internal_value(data)
        return value


@extend_schema_field(OpenApiTypes.BOOL)
class QueryBooleanField(QueryValue):
    """`true`, `false`, `1` or `0` in a query string, in any case."""

    default_error_messages = {"invalid": "Must be true, false, 1 or 0."}

    def to_internal_value(self, data: str) -> bool:
        value = {"true": True, "1": True, "false": False, "0": False}.get(data.lower())
        if value is None:
            self.fail("invalid")
        return value

    def to_representation(self, value: bool) -> bool:
        return value


class QueryChoiceField(QueryValue, serializers.ChoiceField):
    """One of some words in a query string."""

    def __init__(self, choices: list[str], **kwargs: Any) -> None:
        super().__init__(choices, **kwargs)
        self.error_messages["invalid_choice"] = f"Must be one of: {', '.join(choices)}."


@extend_schema_field({"type": "array", "items": {"type": "string"}})
class PipedListField(serializers.Field[tuple[str, ...], list[str], list[str], Any]):
    r"""A pipe-delimited list in a query string; a repeated parameter adds to it.

    `\|` is a pipe within an item, and `\\` a backslash (contract README, rule 1).
    """

    default_error_messages = {
        "too_many": "At most {limit} items.",
        "characters": "Null characters and surrogates are not allowed.",
    }

    def get_value(self, dictionary: Any) -> Any:
        if isinstance(dictionary, QueryDict) and self.field_name in dictionary:
            return dictionary.getlist(self.field_name or "")
        return empty

    def to_internal_value(self, data: list[str]) -> tuple[str, ...]:
        if not all(map(is_storable, data)):
            self.fail("characters")
        items = tuple(item for text in data for item in split(text) if item)
        if len(items) > settings.MAX_SEARCH_TERMS:
            self.fail("too_many", limit=settings.MAX_SEARCH_TERMS)
        return items

    def to_representation(self, value: tuple[str, ...]) -> list[str]:
        return list(value)
