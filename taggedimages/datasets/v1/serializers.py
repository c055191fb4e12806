"""Data sets and releases as /v1 shows them (docs/releases.md)."""

from typing import Any

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from taggedimages.datasets import withholding
from taggedimages.datasets.models import Dataset, Release, ReleaseState
from taggedimages.datasets.statements import cite, quote
from taggedimages.datasets.v1.splits import PROOF, TOLD, GroupField
from taggedimages.epochs import epoch_seconds
from taggedimages.v1.pagination import PageMetaSerializer

# What is proved of a release, for good.
STANDING = {ReleaseState.RELEASED, ReleaseState.RETIRED}


@extend_schema_field({"type": "integer"})
class TimestampField(serializers.Field[Any, Any, Any, Any]):
    """A time as epoch seconds."""

    def to_representation(self, value: Any) -> int:
        return epoch_seconds(value)


class DatasetSerializer(serializers.Serializer[Dataset]):
    """A data set."""

    name = serializers.CharField()
    description = serializers.CharField()
    license = serializers.CharField()
    group = GroupField(help_text="By what images belong together; null: by nothing.")
    latest = serializers.IntegerField(
        allow_null=True, help_text="The highest number of a release that stands; null: none does."
    )
    created_by = serializers.CharField(source="author_name", help_text="A name, or `anonymous`.")
    created_timestamp = TimestampField(source="created_at", help_text="Epoch seconds, as all here.")


class DatasetDetailSerializer(DatasetSerializer):
    """All that is told of one data set."""

    salt = serializers.SerializerMethodField(
        help_text="With which groups are hashed, 64 hexadecimal digits: for those who may edit it."
    )

    def get_salt(self, dataset: Dataset) -> str:
        return bytes(dataset.salt).hex()


class ReleaseSerializer(serializers.Serializer[Release]):
    """A release, as lists have it."""

    dataset = serializers.CharField(source="dataset.name")
    version = serializers.IntegerField(source="number")
    state = serializers.ChoiceField(ReleaseState.choices)
    digest = serializers.SerializerMethodField(help_text="null unless it was released.")
    quote = serializers.SerializerMethodField(help_text="How it is quoted, with its digest.")
    members = serializers.IntegerField()
    bytes = serializers.IntegerField(help_text="Of all files.")
    erased = serializers.IntegerField(help_text="Members that were erased since, for good.")
    problem = serializers.CharField(help_text="Why it failed, or waits; empty if nothing is wrong.")
    created_by = serializers.CharField(source="author_name", help_text="A name, or `anonymous`.")
    created_timestamp = TimestampField(source="created_at", help_text="When it was asked for.")
    released_timestamp = TimestampField(source="released_at", allow_null=True)
    retired_timestamp = TimestampField(source="retired_at", allow_null=True)

    def get_digest(self, release: Release) -> str | None:
        return release.digest or None

    def get_quote(self, release: Release) -> str | None:
        return quote(release) if release.digest else None


class ReleaseDetailSerializer(ReleaseSerializer):
    """All that is told of one release."""

    query = serializers.JSONField(help_text="As it was sent.")
    as_of = TimestampField(allow_null=True, help_text="As it was asked for.")
    instant = TimestampField(
        allow_null=True, help_text="Of what instant tags, values and names are."
    )
    unready = serializers.CharField()
    excluded = serializers.SerializerMethodField(
        help_text="Images that were found and left out, for they were not ready."
    )
    withheld = serializers.SerializerMethodField(
        help_text="Members that the caller is not told of: erased ones, and what is private."
    )
    splits = serializers.SerializerMethodField(help_text="Of each split what it consists of.")
    proof = serializers.SerializerMethodField(help_text="Of splits: that nothing leaks.")
    contracts = serializers.SerializerMethodField(help_text="Reports, with reasons of waivers.")
    cite = serializers.SerializerMethodField(help_text="BibTeX.")
    signature = serializers.SerializerMethodField(help_text="The JWS over the statement.")
    refusal = serializers.SerializerMethodField(
        help_text="What refused it, as a 422 tells it; ids of images for its author alone."
    )

    def get_excluded(self, release: Release) -> int:
        return int(release.report.get("excluded", 0))

    def get_withheld(self, release: Release) -> int:
        if release.state not in STANDING:
            return 0
        return withholding.count(release, self.context["viewer"])

    @extend_schema_field(TOLD)
    def get_splits(self, release: Release) -> Any:
        return release.report.get("splits")

    @extend_schema_field(PROOF)
    def get_proof(self, release: Release) -> Any:
        return release.report.get("proof")

    @extend_schema_field({"type": "array", "items": {"type": "object"}})
    def get_contracts(self, release: Release) -> Any:
        return release.report.get("contracts", [])

    def get_cite(self, release: Release) -> str | None:
        return cite(release, self.context["url"]) if release.digest else None

    def get_signature(self, release: Release) -> str | None:
        return release.signature or None

    @extend_schema_field({"type": ["object", "null"]})
    def get_refusal(self, release: Release) -> Any:
        viewer, told = self.context["viewer"], release.refusal
        if not told or viewer.sees_all or viewer.owner == release.author_id:
            return told
        # Details name images that others may not be shown.
        return {name: told[name] for name in ("code", "message")}


@extend_schema_serializer(component_name="DatasetBrowsePage", many=False)
class DatasetPageSerializer(serializers.Serializer[Any]):
    """DatasetBrowsePage."""

    results = DatasetSerializer(many=True)
    meta = PageMetaSerializer()


@extend_schema_serializer(component_name="ReleaseBrowsePage", many=False)
class ReleasePageSerializer(serializers.Serializer[Any]):
    """ReleaseBrowsePage."""

    results = ReleaseSerializer(many=True)
    meta = PageMetaSerializer()
