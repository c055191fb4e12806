"""What the OpenAPI document shows and the code cannot tell: bodies of requests, errors."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter

from taggedimages.http.openapi import KeysDocumented, documented_as

Schema = dict[str, Any]
TEXT_SCHEMA: Schema = {"type": "string"}
UUID_SCHEMA: Schema = {"type": "string", "format": "uuid"}
FLAG_SCHEMA: Schema = {"type": "boolean"}
NUMBER_SCHEMA: Schema = {"type": "number"}
UUIDS_SCHEMA: Schema = {"type": "array", "items": UUID_SCHEMA, "maxItems": 500}
FORMS = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")


def _object(properties: Schema, required: tuple[str, ...] = ()) -> Schema:
    schema: Schema = {"type": "object", "properties": properties}
    return schema | ({"required": list(required)} if required else {})


def _body(properties: Schema, required: tuple[str, ...] = ()) -> Schema:
    return dict.fromkeys(FORMS, _object(properties, required))


def _record(properties: Schema) -> Schema:
    return _object(properties, tuple(properties))


def _or_null(schema: Schema) -> Schema:
    return schema | {"type": [schema["type"], "null"]}


class ErrorsDocumented(KeysDocumented):
    """Adds the error answers, which have no body, to every operation."""

    ERRORS = {
        "400": "A fault in the request, named by X-message.",
        "401": "The token is bad, or gives no right to this.",
        "404": "Unknown here.",
        "411": "A body of untold length.",
        "413": "The body is too large.",
        "429": "Too often; see Retry-After.",
        "503": "The database or the object store is unavailable; see Retry-After.",
    }

    def get_operation_id(self) -> str:
        handler = getattr(self.view, "action", None) or self.method.lower()
        return f"{type(self.view).__name__.removesuffix('ViewSet').lower()}_{handler}"

    def get_tags(self) -> list[str]:
        return [self.path.strip("/").split("/")[2]]

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        empty = {"text/html": {"schema": {"type": "string", "maxLength": 0}}}
        for code, description in (self.ERRORS | self.key_errors).items():
            bodies.setdefault(code, {"description": description, "content": empty})
        return bodies


documented = documented_as(ErrorsDocumented)

IMAGE_IDS = OpenApiParameter(
    "image_ids[]",
    {"type": "array", "items": TEXT_SCHEMA},
    description="Of these images; at most 500.",
)
IMAGE_IDS_BODY = _body({"image_ids": UUIDS_SCHEMA}, ("image_ids",))
TAG_BODY = _body(
    {
        "name": TEXT_SCHEMA,
        "label": {"description": "One text for both languages, or {en, fr}, also as JSON text."},
        "listed": FLAG_SCHEMA,
        "visible": FLAG_SCHEMA,
        "public": FLAG_SCHEMA,
        "allow_download": FLAG_SCHEMA,
    }
)
IMAGE_BODY = _body(
    {
        "title": _or_null(TEXT_SCHEMA),
        "description": _or_null(TEXT_SCHEMA),
        "rotation": {"enum": [0, 90, 180, 270]},
        "crop_x": NUMBER_SCHEMA,
        "crop_y": NUMBER_SCHEMA,
        "crop_w": NUMBER_SCHEMA,
        "crop_h": NUMBER_SCHEMA,
    }
)
FILE_BODY = _body(
    {
        "album_id": TEXT_SCHEMA,
        "name": TEXT_SCHEMA,
        "type": TEXT_SCHEMA,
        "size": {"type": "integer"},
    },
    ("album_id", "name"),
)
INFOS_BODY = _body({"infos": TEXT_SCHEMA}, ("infos",)) | {"application/xml": TEXT_SCHEMA}
PERMISSION_BODY = _body({"permission": {"type": ["object", "string"]}}, ("permission",))

DELETED = {200: {"type": "array", "items": UUID_SCHEMA}}
IMAGE_USER = {
    200: _record({"id": UUID_SCHEMA, "name": TEXT_SCHEMA, "email": _or_null(TEXT_SCHEMA)})
}
UPLOAD_PARAMETERS = _record(
    {
        "method": TEXT_SCHEMA,
        "url": TEXT_SCHEMA,
        "fields": {"type": "object", "additionalProperties": TEXT_SCHEMA},
    }
)
FILE: Schema = {"id": UUID_SCHEMA, "organization_id": TEXT_SCHEMA}
ANNOUNCED = {200: _record(FILE | {"upload_parameters": UPLOAD_PARAMETERS})}
CLAIMED = {200: _record(FILE | {"image": {"$ref": "#/components/schemas/Image"}})}
TOKEN_RESPONSE = {200: _record({"token": TEXT_SCHEMA, "endpoint": TEXT_SCHEMA})}
