"""What is asked of data sets and releases, as bodies of /v1 say it (docs/releases.md)."""

import re
from typing import Any

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from search.query import Query
from search.v1.json_conditions import JsonConditions, json_query
from taggedimages.datasets.contracts import gate
from taggedimages.datasets.models import Unready
from taggedimages.datasets.proposing import Proposal
from taggedimages.datasets.v1.splits import GroupField, SplitsField
from taggedimages.http.fields import StrictCharField, StrictIntegerField
from taggedimages.http.reading import ClosedSerializer, read

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
MAX_DESCRIPTION, MAX_LICENSE = 10_000, 255


class NameField(StrictCharField):
    """A name that is quoted, as it is given: of a data set, or of a contract."""

    default_error_messages = {
        "name": "Must be of a-z, 0-9 and hyphens, begin with no hyphen, and have 63 at most."
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if not NAME.fullmatch(name):
            self.fail("name")
        return name


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string"}})
class ReasonsField(serializers.Field[Any, Any, Any, Any]):
    """An object with a reason for each name of a contract."""

    default_error_messages = {"invalid": "Must be an object of names and reasons."}
    name, reason = NameField(), StrictCharField(max_length=gate.MAX_REASON)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if not isinstance(data, dict):
            self.fail("invalid")
        return {
            self.name.run_validation(name): self.reason.run_validation(reason)
            for name, reason in data.items()
        }

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_serializer(component_name="DatasetInput")
class DatasetInput(ClosedSerializer):
    """A data set to be made."""

    name = NameField(help_text="By which it is quoted, once in the service.")
    description = StrictCharField(default="", allow_blank=True, max_length=MAX_DESCRIPTION)
    license = StrictCharField(
        default="", allow_blank=True, max_length=MAX_LICENSE, help_text="Such as `CC-BY-4.0`."
    )
    group = GroupField(default=None, allow_null=True, help_text="By what images belong together.")


@extend_schema_serializer(component_name="ReleaseInput")
class ReleaseInput(ClosedSerializer):
    """A release to be made."""

    query = JsonConditions(help_text="Which images.")
    as_of = StrictIntegerField(
        default=None,
        allow_null=True,
        min_value=0,
        help_text="Tags as they were at that instant, epoch seconds; absent: as they are.",
    )
    splits = SplitsField(default=None, allow_null=True, help_text="How members are divided.")
    contracts = serializers.ListField(
        child=NameField(),
        default=list,
        max_length=gate.MAX_CONTRACTS,
        help_text="Contracts that its images have to keep.",
    )
    waive = ReasonsField(
        default=dict, help_text="Why contracts of these names do not hinder it, broken or not."
    )
    unready = serializers.ChoiceField(
        Unready.choices,
        default=Unready.REFUSE,
        help_text="Where files have not come or cannot be read: no release, or one without them.",
    )


def proposal(body: Any) -> Proposal:
    """What a body asks for. Raises ValidationError."""
    asked = read(ReleaseInput, body)
    query = _query(asked["query"], asked["as_of"])
    return Proposal(
        query,
        body["query"],
        as_of=query.as_of,
        splits=asked["splits"],
        contracts=asked["contracts"],
        waive=asked["waive"],
        unready=asked["unready"],
    )


def _query(conditions: dict[str, Any], as_of: int | None) -> Query:
    """What conditions ask for, as of an instant that was said beside them."""
    if conditions["as_of"] is not None:
        raise serializers.ValidationError({"query": {"as_of": ["Stands beside query."]}})
    try:
        return json_query(conditions | {"as_of": as_of})
    except serializers.ValidationError as error:
        detail: Any = error.detail
        is_of_instant = isinstance(detail, dict) and "as_of" in detail
        raise serializers.ValidationError(detail if is_of_instant else {"query": detail}) from error
