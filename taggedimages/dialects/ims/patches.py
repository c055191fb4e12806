"""What PATCH of an image says: a JSON patch of its tags and its name (Glance's image update).

`application/openstack-images-v2.1-json-patch` is RFC 6902 with four operations, and v2.0 an older
draft, where the operation is the key of the path. Glance takes whole properties alone; openstacksdk
sends `/tags/3`, too.
"""

import re
from typing import Any, NamedTuple

from rest_framework.exceptions import PermissionDenied, ValidationError

from taggedimages.dialects.ims.codes import TAG_RULE
from taggedimages.dialects.ims.rules import joined
from taggedimages.dialects.ims.serializers import OpenStackTagSerializer, WordTagSerializer
from taggedimages.http.fields import StrictCharField

V21 = "application/openstack-images-v2.1-json-patch"
V20 = "application/openstack-images-v2.0-json-patch"
MEDIA_TYPES = (V20, V21)
# `move`, which Glance does not have, is what clients make of lists in another order.
OPERATIONS = ("add", "replace", "remove", "move")
# RFC 6901: `~` only as `~0` and `~1`.
POINTER = re.compile(r"(/([^~/]|~[01])*)+")
NAME = StrictCharField(max_length=255)
_VALUE = {
    "value": {"type": ["string", "array"], "items": {"type": "string"}},
}
PATCH_BODIES: dict[str, Any] = {
    V21: {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["op", "path"],
            "properties": {
                "op": {"enum": list(OPERATIONS)},
                "path": {"type": "string", "examples": ["/tags", "/tags/-", "/name"]},
                "from": {"type": "string"},
                **_VALUE,
            },
        },
    },
    V20: {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {key: {"type": "string"} for key in OPERATIONS[:3]} | _VALUE,
        },
    },
}


class Edit(NamedTuple):
    """What an image is to be called, and the tags that it is to have; None: as it is."""

    name: str | None = None
    tags: list[str] | None = None


def edit_of(patch: Any, is_draft: bool, shown: list[str]) -> Edit:
    """What a patch of an image comes to, whose tags are shown so; later operations find what
    earlier ones made.

    Raises ValidationError, and PermissionDenied where another property is meant.
    """
    if not isinstance(patch, list):
        raise ValidationError("The body must be a list of operations.")
    edit = Edit()
    for change in patch:
        if not isinstance(change, dict):
            raise ValidationError("An operation must be an object.")
        operation, path = _drafted(change) if is_draft else _operation(change)
        if operation in ("add", "replace") and "value" not in change:
            raise ValidationError(f"The operation {operation} needs a value.")
        if path.startswith("/tags/"):
            edit = edit._replace(tags=list(shown) if edit.tags is None else edit.tags)
            _change_element(edit.tags or [], operation, path, change)
        elif path not in ("/name", "/tags") or operation in ("remove", "move"):
            raise PermissionDenied(f"{path} may not be changed so; tags and the name may.")
        elif path == "/name":
            edit = edit._replace(name=NAME.run_validation(change["value"]))
        else:
            edit = edit._replace(tags=_texts(change["value"]))
    return edit


def _change_element(tags: list[str], operation: str, path: str, change: dict[str, Any]) -> None:
    """Add, replace, remove or move one of the tags, as clients do that compare two lists."""
    if operation == "move":
        source = _pointer(change.get("from"))
        if not source.startswith("/tags/"):
            raise PermissionDenied(f"{source} may not be moved.")
        text = tags.pop(_place(source, len(tags)))
        tags.insert(_place(path, len(tags) + 1), text)
        return
    place = _place(path, len(tags) + (operation == "add"))
    if operation == "remove":
        del tags[place]
        return
    (text,) = _texts([change["value"]])
    tags[place : place + (operation == "replace")] = [text]


def _place(path: str, places: int) -> int:
    """Where a pointer leads in a list with so many places; `-` is the last of those to add at."""
    index = path.removeprefix("/tags/")
    if index == "-" and places:
        return places - 1
    if not re.fullmatch("0|[1-9][0-9]{0,8}", index, re.ASCII) or int(index) >= places:
        raise ValidationError(f"There is no {path}.")
    return int(index)


def values_of(texts: list[str], held: dict[str, str]) -> dict[str, str]:
    """The tags that an image is to have, by key with their values, after those that it holds.

    A text that is the key of a tag it has, or that tag as it is shown, keeps it and its value; any
    other is a key, or `key=value`. Raises ValidationError.
    """
    values: dict[str, str] = {}
    shown = {joined(key, value): key for key, value in held.items()}
    for text in texts:
        key = text if text in held else shown.get(text)
        if key is None:
            key, value = _new(text)
            # What the rules made of the text may be there already.
            value = held.get(key, value) if "=" not in text else value
        else:
            value = held[key]
        if values.setdefault(key, value) != value:
            raise ValidationError("A key comes twice.", TAG_RULE)
    return values


def _new(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if separator:
        asked: Any = WordTagSerializer(data={"key": key, "value": value})
    else:
        asked = OpenStackTagSerializer(data={"tag": text})
    asked.is_valid(raise_exception=True)
    valid = asked.validated_data
    return (valid["key"], valid["value"]) if separator else (valid["tag"], "")


def _operation(change: dict[str, Any]) -> tuple[str, str]:
    operation = change.get("op")
    if operation not in OPERATIONS:
        raise ValidationError(f"The operation must be one of: {', '.join(OPERATIONS)}.")
    return operation, _pointer(change.get("path"))


def _drafted(change: dict[str, Any]) -> tuple[str, str]:
    named = [operation for operation in OPERATIONS[:3] if operation in change]
    if len(named) != 1:
        raise ValidationError(f"Exactly one operation is needed of: {', '.join(OPERATIONS[:3])}.")
    return named[0], _pointer(change[named[0]])


def _pointer(path: Any) -> str:
    if not isinstance(path, str) or not POINTER.fullmatch(path):
        raise ValidationError("The path must be a JSON pointer, such as /tags.")
    return path


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise ValidationError("Tags must be a list of texts.")
    return list(value)
