"""What requests say, read by serializers that are made once."""

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

from django.http import QueryDict
from rest_framework import serializers

Reader = type[serializers.Serializer[Any]]


class ClosedSerializer(serializers.Serializer[Any]):
    """An object in which nothing may be that it does not know: a slip would be passed over."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, Mapping) and (unknown := data.keys() - self.fields.keys()):
            raise serializers.ValidationError(
                {str(name): ["Not known here."] for name in sorted(unknown, key=str)}
            )
        values: dict[str, Any] = super().to_internal_value(data)
        return values


def read(reader: Reader, given: Any) -> dict[str, Any]:
    """The values of a body, or of a query string's parameters. Raises ValidationError."""
    defaults = _defaults(reader) if isinstance(given, QueryDict) else None
    if defaults is None:
        return _validated(_made(reader), given)
    # Most parameters are absent, and asking each for its default takes most of the time.
    names = _made(reader).fields.keys() & given.keys()
    return defaults | _validated(_of_some(reader, frozenset(map(str, names))), given)


def _validated(serializer: serializers.Serializer[Any], given: Any) -> dict[str, Any]:
    values: dict[str, Any] = serializer.run_validation(given)
    return values


@cache
def _made(reader: Reader) -> serializers.Serializer[Any]:
    # Kept, because making one copies all its fields; reading leaves nothing in it.
    return reader()


@cache
def _defaults(reader: Reader) -> dict[str, Any] | None:
    """What nothing at all is read as; None where something is needed, or values are compared."""
    if reader.validate is not serializers.Serializer.validate:
        return None
    try:
        return _validated(reader(), QueryDict())
    except serializers.ValidationError:
        return None


@lru_cache(maxsize=200)
def _of_some(reader: Reader, names: frozenset[str]) -> serializers.Serializer[Any]:
    """What reads the fields of these names alone."""
    some = reader()
    for name in some.fields.keys() - names:
        del some.fields[name]
    return some
