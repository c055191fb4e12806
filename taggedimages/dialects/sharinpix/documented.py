"""Request bodies and small answers, as the OpenAPI document shows them."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter

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


def _answer(properties: Schema) -> Schema:
    return _object(properties, tuple(properties))


def _or_null(schema: Schema) -> Schema:
    return schema | {"type": [schema["type"], "null"]}


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

DELETED: Schema = {"type": "array", "items": UUID}
IMAGE_USER = _answer({"id": UUID, "name": TEXT, "email": _or_null(TEXT)})
UPLOAD_PARAMETERS = _answer(
    {"method": TEXT, "url": TEXT, "fields": {"type": "object", "additionalProperties": TEXT}}
)
ANNOUNCED = _answer({"id": UUID, "organization_id": TEXT, "upload_parameters": UPLOAD_PARAMETERS})
CLAIMED = _answer({"id": UUID, "organization_id": TEXT, "image": {"type": "object"}})
SIGNED = _answer({"token": TEXT, "endpoint": TEXT})
