"""OpenAPI of /v1: what the generator cannot know by itself."""

from typing import Any, Literal

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from taggedimages.http.openapi import KeysDocumented

# Every operation may answer these: bad input, no right, too much, or a dependency that is away.
EVERYWHERE = {
    "400": "Bad body, parameter or id.",
    "401": "A token is wrong, or needed.",
    "411": "A body of untold length.",
    "413": "The body is too large.",
    "429": "Too often; see Retry-After.",
    "503": "The database or the object store is unavailable; see Retry-After.",
}
WITH_NAME = {"404": "Unknown, deleted or hidden id or name."}
ON_WRITE = {
    "403": "Somebody else's to change, or staff's.",
    "409": "In conflict with the present state.",
}


class BearerScheme(OpenApiAuthenticationExtension):
    """How BearerAuthentication is documented."""

    target_class = "taggedimages.identity.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer"}


class ErrorSerializer(serializers.Serializer[Any]):
    """Error."""

    code = serializers.IntegerField(help_text="The HTTP status.")
    message = serializers.CharField()
    # The name is the contract's; a serializer has a property of that name, which stays.
    errors = serializers.ListField(  # type: ignore[assignment]
        child=serializers.CharField(), required=False
    )


CHANGED_SINCE = {412: OpenApiResponse(ErrorSerializer, "It no longer has that entity tag.")}


class DocumentedSchema(KeysDocumented):
    """Adds what every operation of /v1 has: its error answers, integer ids, optional login."""

    def get_tags(self) -> list[str]:
        return [self.path.strip("/").split("/")[1].removesuffix(".ndjson")]

    def get_auth(self) -> list[dict[str, Any]]:
        auth: list[dict[str, Any]] = super().get_auth()
        return auth if {} in auth else [*auth, {}]

    def get_override_parameters(self) -> list[Any]:
        ids = [OpenApiParameter("id", OpenApiTypes.INT64, OpenApiParameter.PATH)]
        return [*super().get_override_parameters(), *(ids if "{id}" in self.path else [])]

    def get_paginated_name(self, serializer_name: str) -> str:
        return serializer_name.removesuffix("Record") + "BrowsePage"

    def _get_response_bodies(
        self, direction: Literal["request", "response"] = "response"
    ) -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        errors = EVERYWHERE | (WITH_NAME if "{" in self.path else {})
        if self.method != "GET":
            errors = errors | ON_WRITE | self.key_errors
        error = self._get_response_for_code(ErrorSerializer, "400")
        for code, description in errors.items():
            bodies.setdefault(code, error | {"description": description})
        return bodies
