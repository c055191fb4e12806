"""OpenAPI of Atmosphere: what the generator cannot know by itself."""

from typing import Any, Literal

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers

from taggedimages.http.openapi import KeysDocumented, documented_as

ERRORS_EVERYWHERE = {
    "403": "Not logged in, or no right to do so.",
    "411": "A body of untold length.",
    "413": "The body is too large.",
    "429": "Too often; see Retry-After.",
    "503": "A dependency is away; see Retry-After.",
}
ERRORS_OF_RECORDS = {"404": "Unknown, ended or hidden; a page that is not there."}
ON_CHANGE = {"412": "It no longer has the entity tag that If-Match names."}
ERRORS_OF_WRITES = {"409": "In conflict with another request.", "415": "An unknown content type."}
BAD_INPUT = {
    "description": "Messages by field, a list of messages, or `detail`.",
    "content": {
        "application/json": {
            "schema": {
                "anyOf": [
                    {"type": "object", "additionalProperties": True},
                    {"type": "array", "items": {"type": "string"}},
                ]
            }
        }
    },
}


class TokenScheme(OpenApiAuthenticationExtension):
    """How TokenAuthentication is documented."""

    target_class = "taggedimages.dialects.atmosphere.conventions.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        description = "`TOKEN <key>`"
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": description,
        }


class DetailSerializer(serializers.Serializer[Any]):
    """What is wrong."""

    detail = serializers.CharField()


class AtmosphereSchema(KeysDocumented):
    """Adds what every operation of this API has: refusals, and a login that is optional."""

    def get_operation_id(self) -> str:
        return f"{self.action}_{self.collection}"

    def get_tags(self) -> list[str]:
        return [self.collection]

    def get_auth(self) -> list[dict[str, Any]]:
        auth: list[dict[str, Any]] = super().get_auth()
        return auth if {} in auth else [*auth, {}]

    @property
    def action(self) -> str:
        """The name of the method that answers."""
        return str(getattr(self.view, "action", ""))

    @property
    def collection(self) -> str:
        """The first part of the path below the mount, such as `image_tags`."""
        return str(self.path.partition("/api/v2/")[2].partition("/")[0])

    def _get_response_bodies(
        self, direction: Literal["request", "response"] = "response"
    ) -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        refusals = dict(ERRORS_EVERYWHERE)
        if self.action != "create":
            refusals |= ERRORS_OF_RECORDS
        if self.method != "GET":
            refusals |= ERRORS_OF_WRITES
            refusals |= ON_CHANGE if self.action != "create" else {}
            refusals |= self.key_errors
        detail = self._get_response_for_code(DetailSerializer, "403")
        for code, description in refusals.items():
            bodies.setdefault(code, detail | {"description": description})
        bodies.setdefault("400", BAD_INPUT)
        return bodies


documented = documented_as(AtmosphereSchema)
