"""What requests say, read by serializers that are made once."""

from functools import cache
from typing import Any

from rest_framework import serializers


def read(reader: type[serializers.Serializer[Any]], given: Any) -> dict[str, Any]:
    """The values of a body, or of a query string's parameters. Raises ValidationError."""
    values: dict[str, Any] = _made(reader).run_validation(given)
    return values


@cache
def _made(reader: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    # Kept, because making one copies all its fields; reading leaves nothing in it.
    return reader()
