"""OpenAPI of IMS: what the generator cannot know by itself."""

from typing import Any, Literal

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers

from taggedimages.http.openapi import KeysDocumented, documented_as


class ImsErrorSerializer(serializers.Serializer[Any]):
    """`{error: {code, message}}`."""

    class ImsErrorBodySerializer(serializers.Serializer[Any]):
        """What went wrong."""

        code = serializers.CharField(help_text="Such as IMG.0001.")
        message = serializers.CharField()

    error = ImsErrorBodySerializer()


ERRORS = {
    "400": "Bad body, parameter or tag.",
    "401": "No credentials, or wrong ones.",
    "403": "The project, or the image, is another's.",
    "404": "No such image, or no such tag on it.",
    "411": "A body of untold length.",
    "413": "The body is too large.",
    "429": "Too often; see Retry-After.",
    "503": "The database or the object store is unavailable; see Retry-After.",
}


class ImsSchema(KeysDocumented):
    """Adds to every operation the answers that it may give when something is wrong."""

    def get_operation_id(self) -> str:
        handler = getattr(self.view, "action", None) or self.method.lower()
        noun = self.path.strip("/").split("/")[1:]
        return "_".join([handler, *(part.strip("{}") for part in noun)])

    def get_tags(self) -> list[str]:
        return ["IMS"]

    def _get_response_bodies(
        self, direction: Literal["request", "response"] = "response"
    ) -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        error = self._get_response_for_code(ImsErrorSerializer, "400")
        for code, description in (ERRORS | self.key_errors).items():
            bodies.setdefault(code, error | {"description": description})
        return bodies


documented = documented_as(ImsSchema)


class TokenScheme(OpenApiAuthenticationExtension):
    """How X-Auth-Token is documented."""

    target_class = "taggedimages.dialects.ims.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "apiKey", "in": "header", "name": "X-Auth-Token"}


class SignatureScheme(OpenApiAuthenticationExtension):
    """How signed requests are documented."""

    target_class = "taggedimages.dialects.ims.authentication.SignatureAuthentication"
    name = "signature"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        description = "SDK-HMAC-SHA256 with X-Sdk-Date, by access key and secret key."
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": description,
        }
