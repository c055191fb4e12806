"""What is asked of the members of a release, and what is told of them (docs/releases.md)."""

from typing import Any

from rest_framework import serializers

from taggedimages.datasets.listing import MAX_MEMBERS
from taggedimages.datasets.v1.formats import FORMATS, NDJSON
from taggedimages.http.fields import (
    MAX_INT64,
    QueryChoiceField,
    QueryIntegerField,
    StrictIntegerField,
)
from taggedimages.http.reading import ClosedSerializer

SPLITS = ["train", "validation", "test"]
JSON = "json"
# Of one request for URLs.
MAX_IDS = 1_000


class MemberParameters(serializers.Serializer[Any]):
    """Which members, and in which form."""

    format = QueryChoiceField(
        list(FORMATS), default=NDJSON, help_text="`parquet` only where pyarrow is installed."
    )
    after = QueryIntegerField(
        default=0,
        min_value=0,
        max_value=MAX_INT64,
        help_text="The id of the last member that one has: those beyond it are told.",
    )
    limit = QueryIntegerField(
        default=MAX_MEMBERS, min_value=1, max_value=MAX_MEMBERS, help_text="Members at most."
    )
    split = QueryChoiceField(
        SPLITS, default=None, help_text="Those of one split, without what is withheld."
    )


class DifferenceParameters(serializers.Serializer[Any]):
    """With which release one is compared, and in which form the differences are told."""

    format = QueryChoiceField([JSON, NDJSON], default=JSON)

    def get_fields(self) -> dict[str, Any]:
        number = QueryIntegerField(
            min_value=1, help_text="The number of another release of the same data set."
        )
        return {"with": number, **super().get_fields()}


class UrlsInput(ClosedSerializer):
    """Members whose files are to be read."""

    ids = serializers.ListField(
        child=StrictIntegerField(min_value=1),
        allow_empty=False,
        max_length=MAX_IDS,
        help_text=f"Members, {MAX_IDS} at most.",
    )


class UrlSerializer(serializers.Serializer[Any]):
    """A URL of a member's file; or that the member is withheld."""

    id = serializers.IntegerField()
    url = serializers.CharField(
        required=False, allow_null=True, help_text="null: the file is gone, as the release retired."
    )
    expires = serializers.IntegerField(required=False, allow_null=True, help_text="Epoch seconds.")
    leaf = serializers.CharField(required=False)
    withheld = serializers.ChoiceField(["private", "erased"], required=False)


class UrlListSerializer(serializers.Serializer[Any]):
    """One for each id that was asked for, in the same order."""

    results = UrlSerializer(many=True)


class KindSerializer(serializers.Serializer[Any]):
    """How many members, and the first of them."""

    count = serializers.IntegerField()
    sample = serializers.ListField(child=serializers.IntegerField())


class TagDifferenceSerializer(serializers.Serializer[Any]):
    """On how many members that changed a tag came, and from how many it went."""

    tag = serializers.CharField()
    added = serializers.IntegerField()
    removed = serializers.IntegerField()


class DifferenceSerializer(serializers.Serializer[Any]):
    """What is different in a release, compared with another."""

    dataset = serializers.CharField()
    version = serializers.IntegerField()
    added = KindSerializer(help_text="Members of this release alone.")
    removed = KindSerializer(help_text="Members of the other alone.")
    changed = KindSerializer(help_text="Members of both, of which not the same is said.")
    keys = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="On how many of these each key differs; `file`: the file itself.",
    )
    tags = TagDifferenceSerializer(many=True, help_text="The hundred that changed most.")
    withheld = serializers.IntegerField(help_text="Differences of which no more is told.")

    def get_fields(self) -> dict[str, Any]:
        return {"with": serializers.IntegerField(), **super().get_fields()}
