"""Serializers of lists: how each field is read is worked out once a page, and not once a row."""

from collections.abc import Callable
from functools import cached_property
from operator import attrgetter
from typing import Any, TypeVar

from rest_framework import serializers

T = TypeVar("T")


class RowSerializer(serializers.Serializer[T]):
    """A serializer of what can be read alone: as the framework writes its fields, for a hundred
    rows some milliseconds sooner.

    Every attribute that a field names has to be there; those of nested records may be None.
    """

    @cached_property
    def _readers(self) -> list[tuple[str, Callable[[T], Any]]]:
        fields = self.fields.items()
        return [(name, _reader(field)) for name, field in fields if not field.write_only]

    def to_representation(self, instance: T) -> dict[str, Any]:
        return {name: read(instance) for name, read in self._readers}


def _reader(field: serializers.Field[Any, Any, Any, Any]) -> Callable[[Any], Any]:
    """What a field shows of a record."""
    if isinstance(field, serializers.SerializerMethodField):
        method: Callable[[Any], Any] = getattr(field.parent, field.method_name)
        return method
    shown, source = field.to_representation, field.source or ""
    if source == "*":
        return shown
    value_of = attrgetter(source)

    def read(record: Any) -> Any:
        value = value_of(record)
        return None if value is None else shown(value)

    return read
