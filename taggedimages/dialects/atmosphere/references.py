"""Ids as this API takes them: an integer or a uuid, everywhere (contract Atmosphere)."""

import re
from typing import Any, TypeVar

from django import forms
from django.db.models import Model, QuerySet
from django_filters import CharFilter
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotFound

from taggedimages.http.fields import MAX_INT64

M = TypeVar("M", bound=Model)

# What no record has.
NOBODY: dict[str, Any] = {"pk": 0}
INTEGER = re.compile(r"-?[0-9]+", re.ASCII)
ID_AS_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


def lookup(id: str) -> dict[str, Any] | None:
    """What to filter by; None for what is neither an integer nor a uuid."""
    if ID_AS_UUID.fullmatch(id):
        return {"uuid": id.lower()}
    if INTEGER.fullmatch(id):
        # No record has a number that the column cannot hold.
        return {"pk": int(id)} if len(id) < 20 and 0 < int(id) <= MAX_INT64 else NOBODY
    return None


def find(records: QuerySet[M], id: str) -> M:
    """The record that a path names. Raises NotFound."""
    asked = lookup(id)
    record = records.filter(**asked).first() if asked else None
    if record is None:
        raise NotFound
    return record


@extend_schema_field({"type": ["integer", "string"]})
class ReferenceField(serializers.Field[Any, Any, Any, Any]):
    """A record that a body names; the context has, by field, those that the caller may name."""

    default_error_messages = {
        "does_not_exist": 'Invalid pk "{id}" - object does not exist.',
        "incorrect_type": "Incorrect type. Expected pk value, received {type}.",
    }

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, bool) or not isinstance(data, int | str):
            self.fail("incorrect_type", type=type(data).__name__)
        asked = lookup(str(data))
        record = self.context[str(self.field_name)].filter(**asked).first() if asked else None
        if record is None:
            self.fail("does_not_exist", id=data)
        return record


class ReferenceFormField(forms.CharField):
    """An integer or a uuid in a query string."""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        # An empty value is one that was given: it would not narrow.
        if value is not None and lookup(text) is None:
            raise forms.ValidationError("Enter a whole number or a uuid.")
        return text


@extend_schema_field(OpenApiTypes.STR)
class ReferenceFilter(CharFilter):  # type: ignore[misc]  # the library has no types
    """Records that refer to the one with this id; an unknown id gives none."""

    field_class = ReferenceFormField

    def filter(self, records: QuerySet[M], value: str) -> QuerySet[M]:
        asked = lookup(value) if value else None
        if asked is None:
            return records
        return records.filter(
            **{f"{self.field_name}__{key}": value for key, value in asked.items()}
        )
