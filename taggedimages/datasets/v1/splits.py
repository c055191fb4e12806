"""The group of a data set and the splits of a release, as /v1 reads and shows them
(docs/splits.md)."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from taggedimages.datasets.splits import asking, groups
from taggedimages.datasets.splits.asking import MAX_DISTANCE, MAX_GROUP, Missing, Split
from taggedimages.datasets.splits.groups import MAX_PATTERN

SHOWN = (Split.TRAIN, Split.VALIDATION, Split.TEST)
COUNT = {"type": "integer"}


def _closed(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _of_each_split(what: dict[str, Any]) -> dict[str, Any]:
    return _closed(**{split.value: what for split in SHOWN})


GROUP = {
    **_closed(
        dicom={"type": "string", "description": "A field of the header, such as PatientID."},
        tag={"type": "string", "description": "A tag, of which the value counts."},
        album={"type": "boolean", "enum": [True]},
        filename={
            "type": "string",
            "maxLength": MAX_PATTERN,
            "description": "An expression of PostgreSQL with one pair of parentheses.",
        },
        sha256={"type": "boolean", "enum": [True]},
    ),
    "minProperties": 1,
    "maxProperties": 1,
    "nullable": True,
}
RATIOS = _of_each_split({"type": "number", "minimum": 0, "maximum": 100})
PINS = _of_each_split({"type": "array", "items": {"type": "string", "maxLength": MAX_GROUP}})
NEAR = {
    **_closed(
        distance={"type": "integer", "minimum": 0, "maximum": MAX_DISTANCE},
        max_pairs={"type": ["integer", "null"], "minimum": 0},
    ),
    "required": ["distance"],
    "type": ["object", "null"],
}
ASKED = {
    **_closed(
        ratios={**RATIOS, "description": "Per cent, which sum up to 100."},
        missing={"type": "string", "enum": [missing.value for missing in Missing]},
        pins={**PINS, "description": "Groups, as texts or as lines show them."},
        near=NEAR,
    ),
    "required": ["ratios"],
    "nullable": True,
}
TOLD = {
    **_of_each_split(
        {
            "type": "object",
            "properties": {
                "images": COUNT,
                "groups": COUNT,
                "effective_groups": {"type": "number"},
                "tags": {"type": "object", "additionalProperties": COUNT},
            },
        }
    ),
    "nullable": True,
}
PROOF = {
    "type": "object",
    "properties": {
        **dict.fromkeys(
            (
                "groups_in_two_splits",
                "files_in_two_splits",
                "copies_within_splits",
                "without_group",
                "left_out",
                "moved_from_train",
                "pinned_groups_found",
            ),
            COUNT,
        ),
        "near": {"type": ["object", "null"]},
    },
    "nullable": True,
}


@extend_schema_field(GROUP)
class GroupField(serializers.JSONField):
    """By what the images of a data set belong together."""

    def to_internal_value(self, data: Any) -> Any:
        try:
            return groups.read(data)
        except groups.BadGroup as error:
            raise serializers.ValidationError(str(error)) from None


@extend_schema_field(ASKED)
class SplitsField(serializers.JSONField):
    """How the members of a release are divided; kept as it was sent."""

    def to_internal_value(self, data: Any) -> Any:
        try:
            asking.read(data)
        except asking.BadSplits as error:
            raise serializers.ValidationError(str(error)) from None
        return data
