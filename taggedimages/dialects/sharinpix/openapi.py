"""What the OpenAPI document shows and the code cannot tell: bodies of requests, errors."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from taggedimages.http.openapi import documented_as

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
UUID: Schema = {"type": "string", "format": "uuid"}
FLAG: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "number"}
IDS: Schema = {"type": "array", "items": UUID, "maxItems": 500}
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


class ErrorsDocumented(AutoSchema):
    """Adds the error answers, which have no body, to every operation."""

    ERRORS = {
        "400": "A fault in the request, named by X-message.",
        "401": "The token is bad, or gives no right to this.",
        "404": "Unknown here.",
        "411": "A body of untold length.",
        "413": "The body is too large.",
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
        for code, description in self.ERRORS.items():
            bodies.setdefault(code, {"description": description, "content": empty})
        return bodies


documented = documented_as(ErrorsDocumented)

IMAGE_IDS = OpenApiParameter(
    "image_ids[]", {"type": "array", "items": TEXT}, description="Of these images; at most 500."
)
IMAGE_IDS_BODY = _body({"image_ids": IDS}, ("image_ids",))
TAG_BODY = _body(
    {
        "name": TEXT,
        "label": {"description": "One text for both languages, or {en, fr}, also as JSON text."},
        "listed": FLAG,
        "visible": FLAG,
        "public": FLAG,
        "allow_download": FLAG,
    }
)
IMAGE_BODY = _body(
    {
        "title": _or_null(TEXT),
        "description": _or_null(TEXT),
        "rotation": {"enum": [0, 90, 180, 270]},
        "crop_x": NUMBER,
        "crop_y": NUMBER,
        "crop_w": NUMBER,
        "crop_h": NUMBER,
    }
)
FILE_BODY = _body(
    {"album_id": TEXT, "name": TEXT, "type": TEXT, "size": {"type": "integer"}},
    ("album_id", "name"),
)
INFOS_BODY = _body({"infos": TEXT}, ("infos",)) | {"application/xml": TEXT}
PERMISSION_BODY = _body({"permission": {"type": ["object", "string"]}}, ("permission",))

DELETED = {200: {"type": "array", "items": UUID}}
IMAGE_USER = {200: _record({"id": UUID, "name": TEXT, "email": _or_null(TEXT)})}
UPLOAD_PARAMETERS = _record(
    {"method": TEXT, "url": TEXT, "fields": {"type": "object", "additionalProperties": TEXT}}
)
FILE: Schema = {"id": UUID, "organization_id": TEXT}
ANNOUNCED = {200: _record(FILE | {"upload_parameters": UPLOAD_PARAMETERS})}
CLAIMED = {200: _record(FILE | {"image": {"$ref": "#/components/schemas/Image"}})}
SIGNED = {200: _record({"token": TEXT, "endpoint": TEXT})}
