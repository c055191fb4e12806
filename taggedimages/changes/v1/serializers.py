"""Bulk changes as /v1 reads and shows them (docs/changes.md)."""

import unicodedata
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from images.visibility import Visibility
from search.v1.json_conditions import JsonConditions
from taggedimages.changes.models import Change, Kind, OnDrift, Outcome, State
from taggedimages.changes.record_edits import Action
from taggedimages.epochs import epoch_seconds
from taggedimages.http.fields import (
    QueryChoiceField,
    QueryValue,
    StrictBooleanField,
    StrictCharField,
    StrictIntegerField,
    TagNameField,
)
from taggedimages.http.reading import ClosedSerializer
from taggedimages.v1.pagination import PageMetaSerializer, PageParameters
from tags.names import CONTROLS
from tags.v1.serializers import TagNamesField

MAX_NOTE = 2_000
MAX_VALUE = 255


def note() -> StrictCharField:
    """Why, in the author's words."""
    return StrictCharField(
        required=False,
        allow_blank=True,
        max_length=MAX_NOTE,
        help_text="Why, for its readers.",
    )


class ValueField(StrictCharField):
    """The value of a tag on an image, trimmed; it may be empty."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_blank=True, max_length=MAX_VALUE, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        if any(unicodedata.category(character) in CONTROLS for character in value):
            raise serializers.ValidationError("Control characters are not allowed.", "characters")
        return value


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string"}})
class ValuesField(serializers.Field[Any, Any, Any, Any]):
    """An object with a value for each name of a tag."""

    default_error_messages = {"invalid": "Must be an object of names and values."}
    name, value = TagNameField(min_length=1, max_length=160), ValueField()

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if not isinstance(data, dict):
            self.fail("invalid")
        if len(data) > settings.MAX_LIST_ITEMS:
            raise serializers.ValidationError(f"At most {settings.MAX_LIST_ITEMS} items.")
        values: dict[str, str] = {}
        for name, value in data.items():
            known = self.name.run_validation(name)
            given = self.value.run_validation(value)
            if values.setdefault(known, given) != given:
                raise serializers.ValidationError(f"Two values for the tag {known!r}.")
        return values

    def to_representation(self, value: Any) -> Any:
        return value


class MergeSerializer(ClosedSerializer):
    """Tags whose links become another's."""

    into = TagNameField(min_length=1, max_length=160)

    def get_fields(self) -> dict[str, Any]:
        return {"from": TagNamesField(allow_empty=False), **super().get_fields()}


class OperationSerializer(ClosedSerializer):
    """What is done to each image: one or more of these, or `merge` or `images` alone."""

    add = TagNamesField(required=False, help_text="Tags that come.")
    remove = TagNamesField(required=False, help_text="Tags that go.")
    replace = TagNamesField(
        required=False, help_text="All that stays, with what comes besides; [] takes all away."
    )
    values = ValuesField(required=False, help_text="Tags that come where absent, with values.")
    merge = MergeSerializer(required=False)
    images = serializers.ChoiceField(
        [action.value for action in Action],
        required=False,
        help_text="Of the images themselves: who is shown them, or their end.",
    )


@extend_schema_serializer(component_name="ChangeInput")
class ProposalSerializer(ClosedSerializer):
    """A change that is proposed."""

    note = note()
    query = JsonConditions(required=False, help_text="Which images; a merge may have none.")
    everything = StrictBooleanField(required=False, help_text="As in `query`.")
    operation = OperationSerializer()


@extend_schema_serializer(component_name="ChangeApplyInput")
class ApplySerializer(ClosedSerializer):
    """Which plan is applied."""

    digest = StrictCharField(max_length=200, help_text="The plan's, as it was looked at.")
    on_drift = serializers.ChoiceField(
        OnDrift.choices,
        required=False,
        help_text="Where other images match by now: leave them alone (`skip`), or refuse (409).",
    )


@extend_schema_serializer(component_name="ChangeUndoInput")
class UndoSerializer(ClosedSerializer):
    """A change that is to be undone."""

    note = note()


@extend_schema_serializer(component_name="TagMergeInput")
class TagMergeSerializer(ClosedSerializer):
    """Tags that become the one in the path."""

    note = note()

    def get_fields(self) -> dict[str, Any]:
        ids = serializers.ListField(
            child=StrictIntegerField(min_value=1),
            allow_empty=False,
            max_length=settings.MAX_LIST_ITEMS,
            help_text="Ids of the tags that go.",
        )
        return {"from": ids, **super().get_fields()}


class CreatorField(QueryValue, serializers.CharField):
    """A name in a query string."""


class ChangeListParameters(PageParameters):
    """Which changes, and which page of them."""

    state = QueryChoiceField(State.values, default=None)
    kind = QueryChoiceField(Kind.values, default=None)
    created_by = CreatorField(
        default=None, trim_whitespace=False, help_text="A user's name, or `anonymous`."
    )


class OutcomeParameters(serializers.Serializer[Any]):
    """Which images of a change."""

    outcome = QueryChoiceField(
        Outcome.labels,
        default=Outcome.TARGET.label,
        help_text="`target`: all that it is for; otherwise those of which that became.",
    )


class TagOfChangeSerializer(serializers.Serializer[Any]):
    """A tag, as it was named when the change was proposed."""

    id = serializers.IntegerField(allow_null=True, help_text="null: applying makes it.")
    name = serializers.CharField()


class TagEffectSerializer(TagOfChangeSerializer):
    """How many links of a tag come and go."""

    added = serializers.IntegerField()
    removed = serializers.IntegerField()


class EstimateSerializer(serializers.Serializer[Any]):
    """What applying takes."""

    seconds = serializers.IntegerField()
    ledger_bytes = serializers.IntegerField()


class RecordSerializer(serializers.Serializer[Any]):
    """An image itself, before or after a change of kind `records`."""

    visibility = serializers.ChoiceField(Visibility.labels)
    ended = serializers.BooleanField()
    trashed = serializers.BooleanField()


class SampleSerializer(serializers.Serializer[Any]):
    """An image, with the names of its tags before and after."""

    id = serializers.IntegerField()
    before = serializers.ListField(child=serializers.CharField())
    after = serializers.ListField(child=serializers.CharField())
    values_before = serializers.DictField(child=serializers.CharField(), required=False)
    values_after = serializers.DictField(child=serializers.CharField(), required=False)
    record_before = RecordSerializer(required=False)
    record_after = RecordSerializer(required=False)


class PlanSerializer(serializers.Serializer[Any]):
    """What applying does: exactly, as of one state of the database."""

    digest = serializers.CharField(help_text="Of operation and images; `apply` names it.")
    images = serializers.IntegerField(help_text="That it is for, those of `already` included.")
    links_added = serializers.IntegerField()
    links_removed = serializers.IntegerField()
    values_changed = serializers.IntegerField(required=False)
    values_dropped = serializers.IntegerField(
        required=False, help_text="Of a merge: values that give way to another."
    )
    records_changed = serializers.IntegerField(
        required=False, help_text="Of kind `records`: images that are hidden, shown or ended."
    )
    already = serializers.IntegerField(required=False, help_text="With nothing to be done.")
    forbidden = serializers.IntegerField(
        required=False, help_text="Found besides, and not the author's to change so."
    )
    excluded = serializers.IntegerField(
        required=False, help_text="Taken out one by one in the admin, and in no other number."
    )
    left_alone = serializers.DictField(
        child=serializers.IntegerField(),
        required=False,
        help_text="Of an undo: images of which something stays as it is, by reason.",
    )
    tags = TagEffectSerializer(many=True)
    estimate = EstimateSerializer()
    sample = SampleSerializer(many=True)


class ProgressSerializer(serializers.Serializer[Any]):
    """How far applying has come."""

    images = serializers.IntegerField(help_text="That are done.")
    of = serializers.IntegerField()
    outcomes = serializers.DictField(child=serializers.IntegerField())
    drift = serializers.IntegerField(help_text="Images that came to match after the plan.")
    updated_timestamp = serializers.IntegerField()


OUTCOMES = [label for label in Outcome.labels if label != Outcome.TARGET.label]
BEGUN = {State.APPLYING, State.APPLIED, State.STOPPED, State.FAILED}


class ChangeSerializer(serializers.Serializer[Change]):
    """A bulk change."""

    id = serializers.IntegerField()
    uuid = serializers.UUIDField()
    kind = serializers.ChoiceField(Kind.choices)
    state = serializers.ChoiceField(State.choices)
    note = serializers.CharField()
    query = serializers.JSONField(allow_null=True, help_text="As it was sent.")
    operation = serializers.JSONField(help_text="With the ids of its tags.")
    created_by = serializers.CharField(source="author_name", help_text="A name, or `anonymous`.")
    created_timestamp = serializers.SerializerMethodField(help_text="Epoch seconds, as all here.")
    planned_timestamp = serializers.SerializerMethodField()
    applied_timestamp = serializers.SerializerMethodField()
    expires_timestamp = serializers.SerializerMethodField(help_text="null unless planned.")
    of = serializers.IntegerField(source="of_id", allow_null=True, help_text="What it undoes.")
    undone_by = serializers.IntegerField(allow_null=True)
    waiting_for = serializers.IntegerField(
        allow_null=True, help_text="The change that is applied in its project first."
    )
    plan = serializers.SerializerMethodField()
    progress = serializers.SerializerMethodField()
    problem = serializers.CharField(help_text="Empty if there is none.")

    def get_created_timestamp(self, change: Change) -> int:
        return epoch_seconds(change.created_at)

    def get_planned_timestamp(self, change: Change) -> int | None:
        return epoch_seconds(change.planned_at) if change.planned_at else None

    def get_applied_timestamp(self, change: Change) -> int | None:
        return epoch_seconds(change.applied_at) if change.applied_at else None

    def get_expires_timestamp(self, change: Change) -> int | None:
        if change.state != State.PLANNED or change.expires_at is None:
            return None
        return epoch_seconds(change.expires_at)

    @extend_schema_field(PlanSerializer(allow_null=True))
    def get_plan(self, change: Change) -> Any:
        return change.plan

    @extend_schema_field(ProgressSerializer(allow_null=True))
    def get_progress(self, change: Change) -> dict[str, Any] | None:
        if change.state not in BEGUN or (change.plan is None and not change.images):
            return None
        return {
            "images": change.done,
            "of": change.images,
            "outcomes": {label: change.outcomes.get(label, 0) for label in OUTCOMES},
            "drift": change.drift,
            "updated_timestamp": epoch_seconds(change.updated_at),
        }


@extend_schema_serializer(component_name="ChangeBrowsePage", many=False)
class ChangeBrowsePageSerializer(serializers.Serializer[Any]):
    """ChangeBrowsePage."""

    results = ChangeSerializer(many=True)
    meta = PageMetaSerializer()
