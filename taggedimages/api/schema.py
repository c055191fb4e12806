"""OpenAPI: what the generator cannot know by itself."""

from dataclasses import dataclass, field
from typing import Any, Literal

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


@dataclass(frozen=True)
class ErrorAnswers:
    """What the operations of one API answer when something is wrong."""

    serializer: type[serializers.Serializer[Any]]
    everywhere: dict[str, str]
    with_id: dict[str, str] = field(default_factory=dict)
    on_write: dict[str, str] = field(default_factory=dict)

    def of(self, path: str, method: str) -> dict[str, str]:
        """Statuses and what they mean for one operation."""
        return (
            self.everywhere
            | (self.with_id if "{id}" in path else {})
            | (self.on_write if method != "GET" else {})
        )


V1_ERRORS = ErrorAnswers(ErrorSerializer, EVERYWHERE, WITH_ID, ON_WRITE)


class DocumentedSchema(AutoSchema):
    """Adds the error answers of an API to its operations: its views' `error_answers`, or /v1's."""

    def get_operation_id(self) -> str:
        handler = getattr(self.view, "action", None) or self.method.lower()
        noun = self.path.strip("/").replace("/{id}", "").split("/")[1:]
        return "_".join([handler, *(part.strip("{}") for part in noun)])

    def get_tags(self) -> list[str]:
        return [getattr(self.view, "documented_under", None) or self.path.split("/")[2]]

    def _get_response_bodies(
        self, direction: Literal["request", "response"] = "response"
    ) -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        errors: ErrorAnswers = getattr(self.view, "error_answers", V1_ERRORS)
        error = self._get_response_for_code(errors.serializer, "400")
        for code, description in errors.of(self.path, self.method).items():
            bodies.setdefault(code, error | {"description": description})
        return bodies
