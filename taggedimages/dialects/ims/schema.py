"""OpenAPI of IMS: what the generator cannot know by itself."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers

from taggedimages.api.schema import ErrorAnswers


class ImsErrorSerializer(serializers.Serializer[Any]):
    """`{error: {code, message}}`."""

    class ImsErrorBodySerializer(serializers.Serializer[Any]):
        """What went wrong."""

        code = serializers.CharField(help_text="Such as IMG.0001.")
        message = serializers.CharField()

    error = ImsErrorBodySerializer()


ERRORS = ErrorAnswers(
    serializer=ImsErrorSerializer,
    everywhere={
        "400": "Bad body, parameter or tag.",
        "401": "No credentials, or wrong ones.",
        "403": "The project, or the image, is another's.",
        "404": "No such image, or no such tag on it.",
        "411": "A body of untold length.",
        "413": "The body is too large.",
        "503": "The database or the object store is unavailable; see Retry-After.",
    },
)


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How X-Auth-Token is documented."""

    target_class = "taggedimages.dialects.ims.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "apiKey", "in": "header", "name": "X-Auth-Token"}


class SignatureScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
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
