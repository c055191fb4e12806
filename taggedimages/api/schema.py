"""OpenAPI: what the generator cannot know by itself."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers

# Every operation may answer these: bad input, no right, too much, or a dependency that is away.
EVERYWHERE = {
    "400": "Bad body, parameter or id.",
    "401": "A token is wrong, or needed.",
    "411": "A body of untold length.",
    "413": "The body is too large.",
    "503": "The database or the object store is unavailable; see Retry-After.",
}
WITH_ID = {"404": "Unknown, deleted or hidden id."}
ON_WRITE = {"409": "In conflict with the present state."}


class ErrorSerializer(serializers.Serializer[Any]):
    """Error."""

    code = serializers.IntegerField(help_text="The HTTP status.")
    message = serializers.CharField()
    errors = serializers.ListField(child=serializers.CharField(), required=False)


class DocumentedSchema(AutoSchema):
    """Adds the error answers of /v1 to every operation."""

    def get_operation_id(self) -> str:
        handler = getattr(self.view, "action", None) or self.method.lower()
        noun = self.path.strip("/").replace("/{id}", "").split("/")[1:]
        return "_".join([handler, *noun])

    def get_tags(self) -> list[str]:
        return [self.path.strip("/").split("/")[1]]

    def _get_response_bodies(self, direction: str = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        errors = EVERYWHERE | (WITH_ID if "{id}" in self.path else {})
        if self.method != "GET":
            errors = errors | ON_WRITE
        error = self._get_response_for_code(ErrorSerializer, "400")
        for code, description in errors.items():
            bodies.setdefault(code, error | {"description": description})
        return bodies


def only_v1(endpoints: list[Any], **kwargs: Any) -> list[Any]:
    """Keep the routes of this service's own API."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith("/v1/")]
