"""Contracts as /v1 reads and shows them (docs/contracts.md)."""

from typing import Any

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from search.v1.json_conditions import JsonConditions, json_query
from taggedimages.datasets.contracts import rules
from taggedimages.datasets.contracts.keeping import Content
from taggedimages.datasets.contracts.models import ContractReport, ContractVersion, Severity
from taggedimages.epochs import epoch_seconds
from taggedimages.http.fields import (
    QueryBooleanField,
    StrictCharField,
    StrictIntegerField,
    TagNameField,
)
from taggedimages.http.reading import ClosedSerializer, read
from taggedimages.v1.pagination import PageMetaSerializer, PageParameters

MAX_FAILURES = 10**12


def tag_name(**more: Any) -> TagNameField:
    """The name of a tag."""
    return TagNameField(min_length=1, max_length=160, **more)


def tag_names(help_text: str) -> serializers.ListField:
    """Names of a rule."""
    return serializers.ListField(
        child=tag_name(),
        allow_empty=False,
        max_length=rules.MAX_NAMES,
        required=False,
        help_text=help_text,
    )


@extend_schema_serializer(component_name="ContractValueRule")
class ValueSerializer(ClosedSerializer):
    """What each value of a tag is like."""

    tag = tag_name()
    pattern = StrictCharField(
        max_length=rules.MAX_PATTERN,
        trim_whitespace=False,
        help_text="A regular expression of PostgreSQL, which the value matches as a whole.",
    )


@extend_schema_serializer(component_name="ContractRule")
class RuleSerializer(ClosedSerializer):
    """One rule: one of its kinds, and `if` where it is not for all images."""

    exactly_one_of = tag_names("An image has one of these tags.")
    at_least_one_of = tag_names("An image has one of these tags or more.")
    all_of = tag_names("An image has all of these tags.")
    none_of = tag_names("An image has none of these tags.")
    at_most = StrictIntegerField(
        min_value=0, max_value=10**6, required=False, help_text="So many tags, implied ones apart."
    )
    value = ValueSerializer(required=False)

    def get_fields(self) -> dict[str, Any]:
        condition = tag_names("The rule is for images that have all of these tags.")
        return {"if": condition, **super().get_fields()}


@extend_schema_serializer(component_name="ContractInput")
class ContractInput(ClosedSerializer):
    """What a contract says."""

    when = JsonConditions(help_text='Which images it is for; all: `{"everything": true}`.')
    rules = serializers.ListField(
        child=RuleSerializer(), allow_empty=False, max_length=rules.MAX_RULES
    )
    severity = serializers.ChoiceField(
        Severity.choices,
        default=Severity.ERROR,
        help_text="Whether it hinders a release that breaks it, or is only told.",
    )
    max_failures = StrictIntegerField(
        default=0,
        min_value=0,
        max_value=MAX_FAILURES,
        help_text="Images up to which each rule may be broken.",
    )


def content(body: Any) -> Content:
    """What a body says. Raises ValidationError, BadContract."""
    asked = read(ContractInput, body)
    try:
        query = json_query(asked["when"])
    except serializers.ValidationError as error:
        raise serializers.ValidationError({"when": error.detail}) from error
    said = [dict(rule) for rule in asked["rules"]]
    for rule in said:
        if "value" in rule:
            rule["value"] = dict(rule["value"])
    return Content(body["when"], query, said, asked["severity"], asked["max_failures"])


class ProjectParameters(serializers.Serializer[Any]):
    """Which of several contracts of one name."""

    project = serializers.CharField(
        default="",
        allow_blank=True,
        max_length=64,
        help_text="Whose it is, for who sees several projects; absent: one's own.",
    )


class ContractListParameters(PageParameters, ProjectParameters):
    """Which part of the list."""


class ReportParameters(ProjectParameters):
    """Which report."""

    kept = QueryBooleanField(
        default=False,
        help_text="The one of the worker's latest look, over what every member is shown.",
    )


class RuleReportSerializer(serializers.Serializer[Any]):
    """How a rule fares."""

    rule = serializers.IntegerField(help_text="Its number, from 0.")
    failures = serializers.IntegerField(help_text="Images that break it.")
    sample = serializers.ListField(
        child=serializers.IntegerField(), help_text="Ids of the first of them."
    )
    message = serializers.CharField(help_text="What it asks.")


class ContractReportSerializer(serializers.Serializer[Any]):
    """How a contract fares."""

    version = serializers.IntegerField()
    checked = serializers.IntegerField(help_text="Images that it is for.")
    passes = serializers.BooleanField(help_text="No rule has more failures than `max_failures`.")
    rules = RuleReportSerializer(many=True)
    unknown_tags = serializers.ListField(
        child=serializers.CharField(), help_text="Names in it that no tag has."
    )
    checked_timestamp = serializers.IntegerField(required=False, help_text="Of one that was kept.")


class LookSerializer(serializers.Serializer[Any]):
    """The worker's latest look at it."""

    checked_timestamp = serializers.IntegerField(help_text="Epoch seconds, as all here.")
    version = serializers.IntegerField()
    checked = serializers.IntegerField(allow_null=True)
    passes = serializers.BooleanField(allow_null=True)
    problem = serializers.CharField(help_text="Why there is no report; empty: there is one.")


class ContractSerializer(serializers.Serializer[ContractVersion]):
    """A contract, in one of its versions."""

    name = serializers.CharField(source="contract.name")
    project = serializers.CharField(source="contract.project_id")
    version = serializers.IntegerField()
    when = serializers.JSONField(help_text="As it was sent.")
    rules = RuleSerializer(many=True)
    severity = serializers.ChoiceField(Severity.choices)
    max_failures = serializers.IntegerField()
    created_by = serializers.CharField(source="author_name", help_text="A name, or `anonymous`.")
    created_timestamp = serializers.SerializerMethodField(help_text="Of this version.")
    latest_look = serializers.SerializerMethodField()

    def to_representation(self, instance: ContractVersion) -> dict[str, Any]:
        # As they are kept: a rule has what it says alone.
        return {**super().to_representation(instance), "rules": instance.rules}

    def get_created_timestamp(self, version: ContractVersion) -> int:
        return epoch_seconds(version.created_at)

    @extend_schema_field(LookSerializer(allow_null=True))
    def get_latest_look(self, version: ContractVersion) -> dict[str, Any] | None:
        look: ContractReport | None = getattr(version.contract, "latest_report", None)
        if look is None:
            return None
        report = look.report or {"checked": None, "passes": None}
        return {
            "checked_timestamp": epoch_seconds(look.checked_at),
            "version": look.version,
            "checked": report["checked"],
            "passes": report["passes"],
            "problem": look.problem,
        }


@extend_schema_serializer(component_name="ContractPage", many=False)
class ContractPageSerializer(serializers.Serializer[Any]):
    """ContractPage."""

    results = ContractSerializer(many=True)
    meta = PageMetaSerializer()
