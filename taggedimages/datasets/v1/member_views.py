"""/v1/datasets/…/releases/…: members, their files, and what is different in another release
(docs/releases.md)."""

from typing import Any

import orjson
from django.http import HttpResponse, HttpResponseBase
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from images.visibility import Viewer
from search.v1 import streams
from taggedimages.datasets import differing, listing, withholding
from taggedimages.datasets.models import Release
from taggedimages.datasets.v1 import croissant, parquet
from taggedimages.datasets.v1.formats import FORMATS, NDJSON
from taggedimages.datasets.v1.member_serializers import (
    DifferenceParameters,
    DifferenceSerializer,
    MemberParameters,
    UrlListSerializer,
    UrlsInput,
)
from taggedimages.datasets.v1.views import NOT_FOUND, NUMBER, standing_release, url_of
from taggedimages.http.rate_limits import limit
from taggedimages.http.reading import read
from taggedimages.identity.rate_limits import Kind
from taggedimages.v1.cursors import LINK_HEADER
from taggedimages.v1.schema import ErrorSerializer

# Beside formats in which withheld members have no place.
WITHHELD = "Release-Withheld"
WITHHELD_HEADER = OpenApiParameter(
    WITHHELD,
    int,
    location=OpenApiParameter.HEADER,
    response=[200],
    description="Of formats but `ndjson`: how many members of the release are left out.",
)
WITHOUT_MEMBERS = {409: OpenApiResponse(ErrorSerializer, "It is not built, or has failed.")}
NO_PARQUET = {501: OpenApiResponse(ErrorSerializer, "There is no pyarrow here.")}
AS_JSON_LD = {(200, "application/ld+json"): {"type": "object"}}


class MembersView(APIView):
    """The members of a release, in forms that programs read."""

    @extend_schema(
        operation_id="listReleaseMembers",
        summary="The members of a release, by id",
        description=(
            "Each with a URL that reads its file. Whoever has a part goes on `after` its last id, "
            "until nothing comes. Of a member that the caller may not see, NDJSON has the leaf."
        ),
        parameters=[NUMBER, MemberParameters, LINK_HEADER, WITHHELD_HEADER],
        responses={
            **{
                (200, media_type): OpenApiTypes.BINARY
                for media_type in sorted(
                    {form.media_type.partition(";")[0] for form in FORMATS.values()}
                )
            },
            **NOT_FOUND,
            **WITHOUT_MEMBERS,
            **NO_PARQUET,
        },
    )
    def get(self, request: Request, name: str, number: str) -> HttpResponseBase:
        asked = read(MemberParameters, request.query_params)
        release, viewer = standing_release(request, name, number), Viewer.of(request.user)
        form = FORMATS[asked["format"]]
        if form.write is parquet.write:
            parquet.check()
        headers = _headers(request, release, viewer, asked)
        del asked["format"]
        pieces = form.write(listing.listed(release, viewer, signed=form.has_urls, **asked))
        failure = streams.failure_line if form.is_whole else None
        answer = streams.sent(request, pieces, form.media_type, failure=failure)
        for header, value in headers.items():
            answer[header] = value
        return answer


def _headers(
    request: Request, release: Release, viewer: Viewer, asked: dict[str, Any]
) -> dict[str, str]:
    form = FORMATS[asked["format"]]
    saved_as = f"{release.dataset.name}@{release.number}.{form.suffix}"
    headers = {"Content-Disposition": f'attachment; filename="{saved_as}"'}
    if not form.is_whole:
        headers[WITHHELD] = str(withholding.count(release, viewer))
    # Of a split nothing tells beforehand how far so many of its members reach.
    last = None
    if not asked["split"]:
        last = listing.last_of_part(release, asked["after"], asked["limit"])
    return headers | ({"Link": f'<{_following(request, last)}>; rel="next"'} if last else {})


def _following(request: Request, last: int) -> str:
    parameters = request.query_params.copy()
    parameters["after"] = str(last)
    return request.build_absolute_uri(f"{request.path}?{parameters.urlencode()}")


class UrlsView(APIView):
    """URLs of members, once the first ones have expired."""

    # A POST only because the ids do not fit a query string.
    only_reads = True

    @extend_schema(
        operation_id="renewReleaseUrls",
        summary="Sign URLs of some members anew",
        request=UrlsInput,
        parameters=[NUMBER],
        responses={200: UrlListSerializer, **NOT_FOUND},
    )
    def post(self, request: Request, name: str, number: str) -> Response:
        images = read(UrlsInput, request.data)["ids"]
        release = standing_release(request, name, number)
        found = listing.named(release, Viewer.of(request.user), images)
        if missing := [image for image in images if image not in found]:
            raise ValidationError({"ids": [f"{missing[0]} is no member."]})
        return Response({"results": [_address(image, found[image]) for image in images]})


def _address(image: int, one: listing.Listed) -> dict[str, Any]:
    if one.is_withheld:
        return one.said
    return {"id": image, "url": one.url, "expires": one.expires}


class CroissantView(APIView):
    """A release for catalogues of data sets."""

    @extend_schema(
        operation_id="describeRelease",
        summary="A release as Croissant (JSON-LD)",
        parameters=[NUMBER],
        responses={**AS_JSON_LD, **NOT_FOUND, **WITHOUT_MEMBERS},
    )
    def get(self, request: Request, name: str, number: str) -> HttpResponse:
        release = standing_release(request, name, number)
        table = request.build_absolute_uri(reverse("members", args=[name, release.number]))
        described = croissant.described(
            release, url_of(request, release), lambda after: f"{table}?format=csv&after={after}"
        )
        return HttpResponse(orjson.dumps(described), content_type="application/ld+json")


class DifferenceView(APIView):
    """What is different in another release of the same data set."""

    @extend_schema(
        operation_id="compareReleases",
        summary="What is different, compared with another release",
        description=(
            "What came, went and changed in this release, as seen from the other. As `ndjson`, "
            "each of these members with its lines before and after."
        ),
        parameters=[NUMBER, DifferenceParameters],
        responses={
            (200, streams.JSON): DifferenceSerializer,
            (200, streams.MEDIA_TYPES[0]): OpenApiTypes.BINARY,
            **NOT_FOUND,
            **WITHOUT_MEMBERS,
        },
    )
    def get(self, request: Request, name: str, number: str) -> HttpResponseBase:
        asked = read(DifferenceParameters, request.query_params)
        after = standing_release(request, name, number)
        before = standing_release(request, name, str(asked["with"]))
        limit(request, Kind.SEARCHES)
        viewer = Viewer.of(request.user)
        if asked["format"] == NDJSON:
            lines = map(_difference_line, differing.differences(before, after, viewer))
            return streams.sent(
                request, lines, streams.MEDIA_TYPES[0], failure=streams.failure_line
            )
        return Response(_summary(before, after, differing.summary(before, after, viewer)))


def _difference_line(one: differing.Difference) -> bytes:
    told: dict[str, Any] = {"id": one.image, "difference": one.kind}
    if one.withheld:
        told["withheld"] = one.withheld
    else:
        told |= {"before": one.before, "after": one.after}
    return orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE)


def _summary(before: Release, after: Release, found: differing.Summary) -> dict[str, Any]:
    kinds = {
        kind: {"count": found.counts[kind], "sample": found.samples.get(kind, [])}
        for kind in ("added", "removed", "changed")
    }
    return {
        "dataset": after.dataset.name,
        "version": after.number,
        "with": before.number,
        **kinds,
        "keys": dict(found.keys),
        "tags": [
            {"tag": tag, "added": found.tags_added[tag], "removed": found.tags_removed[tag]}
            for tag in found.most_changed_tags()
        ],
        "withheld": found.withheld,
    }
