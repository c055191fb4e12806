"""Logins in Keystone's shape: `{auth: {identity, scope}}` (contract IMS; Keystone's v3 API)."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from taggedimages.http.fields import StrictCharField

METHODS = ("password", "token", "application_credential")


class NamedSerializer(serializers.Serializer[Any]):
    """Something by its id or its name."""

    id = StrictCharField(required=False)
    name = StrictCharField(required=False)


class PasswordSerializer(serializers.Serializer[Any]):
    """The user."""

    class UserSerializer(NamedSerializer):
        """By id or name, with the password."""

        password = StrictCharField(trim_whitespace=False)

    user = UserSerializer()


class TokenIdSerializer(serializers.Serializer[Any]):
    """A token that is held already."""

    id = StrictCharField()


class ApplicationCredentialSerializer(NamedSerializer):
    """An access key and its secret key; by name, the user may be told as well."""

    secret = StrictCharField(trim_whitespace=False)
    user = NamedSerializer(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not {"id", "name"} & attrs.keys():
            raise ValidationError("An id or a name is needed.")
        return attrs


class IdentitySerializer(serializers.Serializer[Any]):
    """Who logs in, and how; what belongs to the method has its name."""

    methods = serializers.ListField(
        child=serializers.ChoiceField(choices=METHODS), min_length=1, max_length=1
    )
    password = PasswordSerializer(required=False)
    token = TokenIdSerializer(required=False)
    application_credential = ApplicationCredentialSerializer(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        method = attrs["methods"][0]
        if method not in attrs:
            raise ValidationError({method: ["This is needed."]})
        return attrs


@extend_schema_field({"oneOf": [{"type": "object"}, {"const": "unscoped"}]})
class ScopeField(serializers.Field[Any, Any, Any, Any]):
    """What the token is for: a project by id or name; the user's own where nothing is said."""

    default_error_messages = {"invalid": "An object, or `unscoped`."}

    def to_internal_value(self, data: Any) -> Any:
        if data == "unscoped":
            return data
        if not isinstance(data, dict):
            self.fail("invalid")
        scope = dict(data)
        if "project" in scope:
            project = NamedSerializer(data=scope["project"])
            project.is_valid(raise_exception=True)
            scope["project"] = project.validated_data
        return scope


class AuthSerializer(serializers.Serializer[Any]):
    """A login. Domains of users and projects are ignored: there is one."""

    identity = IdentitySerializer()
    scope = ScopeField(required=False)


class TokenRequestSerializer(serializers.Serializer[Any]):
    """`{auth: {identity, scope}}`."""

    auth = AuthSerializer()
