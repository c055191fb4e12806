"""`POST /v1/datasets/{name}/releases/{number}/verify` (docs/releases.md)."""

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from taggedimages.datasets import verifying
from taggedimages.datasets.models import Release
from taggedimages.datasets.v1.views import NOT_FOUND, NUMBER, standing_release
from taggedimages.datasets.verifying import Verified
from taggedimages.http.rate_limits import limit
from taggedimages.http.reading import ClosedSerializer, read
from taggedimages.identity.rate_limits import Kind

# Of one request; the rest is for the next. And what it asks of the store at a time, for others ask
# it too.
SECONDS, AT_ONCE = 2.0, 2


class VerifyInput(ClosedSerializer):
    """What is looked at."""

    deep = serializers.BooleanField(default=False, help_text="Read the bytes of every file.")
    after = serializers.IntegerField(
        default=0,
        min_value=0,
        max_value=2**63 - 1,
        help_text="Go on behind this image: the `after` of the answer before.",
    )


class NamedSerializer(serializers.Serializer[Any]):
    """Images of a kind."""

    count = serializers.IntegerField()
    images = serializers.ListField(
        child=serializers.IntegerField(), help_text="The first of them, at most 100."
    )


class VerifiedSerializer(serializers.Serializer[Any]):
    """What a look at a release found, from `after` on to the `after` that is told."""

    dataset = serializers.CharField()
    version = serializers.IntegerField()
    ok = serializers.BooleanField(help_text="Nothing that was looked at differs.")
    complete = serializers.BooleanField(help_text="No member is left to be looked at.")
    after = serializers.IntegerField(
        allow_null=True, help_text="Where to go on; null where it is complete."
    )
    members = serializers.IntegerField(help_text="That were looked at.")
    erased = serializers.IntegerField(help_text="Of these, whose line is withheld for good.")
    gone = NamedSerializer(help_text="Whose files a retired release holds no longer: no fault.")
    missing = NamedSerializer(help_text="Whose files are not there.")
    changed = NamedSerializer(help_text="Whose files are others.")
    problems = serializers.ListField(
        child=serializers.CharField(), help_text="What is wrong with lines, digests, signature."
    )


class VerifyView(APIView):
    """Whether a release is still what it was."""

    @extend_schema(
        operation_id="verifyRelease",
        summary="Compare a release with what is there",
        description=(
            "Its lines with its digest and signature, and its files with what the store says of "
            "them: size and entity tag, or with `deep` every byte. Of long ones a part is looked "
            "at in each request: send its `after` to go on, until it is `complete`."
        ),
        parameters=[NUMBER],
        request=VerifyInput,
        responses={200: VerifiedSerializer, **NOT_FOUND},
    )
    def post(self, request: Request, name: str, number: str) -> Response:
        asked = read(VerifyInput, request.data)
        limit(request, Kind.SEARCHES)
        release = standing_release(request, name, number)
        found = verifying.verify(release, seconds=SECONDS, at_once=AT_ONCE, **asked)
        return Response(told(release, found))


def told(release: Release, found: Verified) -> dict[str, Any]:
    """What was found of a release, in JSON."""
    return {
        "dataset": release.dataset.name,
        "version": release.number,
        "ok": found.ok,
        "complete": found.after is None,
        **asdict(found),
    }
