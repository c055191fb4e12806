"""/v1/datasets: data sets, and their releases (docs/releases.md)."""

from typing import Any

from django.db.models import Max, Q, QuerySet
from django.http import HttpResponse
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from images.visibility import Viewer
from taggedimages.changes.v1.views import ProposalParser
from taggedimages.datasets import catalogue, holding, proposing, rights
from taggedimages.datasets.models import Dataset, Release
from taggedimages.datasets.v1.asking import DatasetInput, ReleaseInput, proposal
from taggedimages.datasets.v1.serializers import (
    STANDING,
    DatasetDetailSerializer,
    DatasetPageSerializer,
    DatasetSerializer,
    ReleaseDetailSerializer,
    ReleasePageSerializer,
    ReleaseSerializer,
)
from taggedimages.http.errors import Conflict
from taggedimages.http.idempotency import keyed
from taggedimages.http.rate_limits import limit
from taggedimages.http.reading import read
from taggedimages.identity.authentication import author_of
from taggedimages.identity.rate_limits import Kind
from taggedimages.v1 import SOURCE
from taggedimages.v1.ids import parse_id
from taggedimages.v1.pagination import PageParameters, paged
from taggedimages.v1.schema import ErrorSerializer

LOCATION = OpenApiParameter(
    "Location",
    location=OpenApiParameter.HEADER,
    response=[201, 202],
    description="Where it is read.",
)
NOT_FOUND = {404: OpenApiResponse(ErrorSerializer, "Unknown, or of another project.")}
REFUSED = {
    422: OpenApiResponse(
        ErrorSerializer,
        "Its images refuse it; beside `code` and `message`: what, such as `unready`.",
    )
}
NUMBER = OpenApiParameter("number", int, OpenApiParameter.PATH, description="Of the release.")


class DatasetViewSet(GenericViewSet[Dataset]):
    """Data sets, each with what all of its releases have in common."""

    serializer_class = DatasetSerializer

    def get_queryset(self) -> QuerySet[Dataset]:
        stands = Q(releases__state__in=STANDING)
        shown = rights.visible_to(self.request.user)
        return shown.annotate(latest=Max("releases__number", filter=stands))

    @extend_schema(
        operation_id="listDatasets",
        summary="Browse data sets, newest first",
        parameters=[PageParameters],
        responses=DatasetPageSerializer,
    )
    def list(self, request: Request) -> Response:
        return paged(self.get_queryset().order_by("-id"), request, DatasetSerializer)

    @extend_schema(
        operation_id="createDataset",
        summary="Make a data set",
        description="It belongs to the project of whoever makes it, whose members see it.",
        request=DatasetInput,
        parameters=[LOCATION],
        responses={201: DatasetDetailSerializer},
    )
    @keyed()
    def create(self, request: Request) -> Response:
        asked = read(DatasetInput, request.data)
        made = catalogue.create(by=author_of(request, SOURCE), **asked)
        url = request.build_absolute_uri(reverse("dataset", args=[made.name]))
        record = DatasetDetailSerializer(self.get_queryset().get(pk=made.pk)).data
        return Response(record, status=status.HTTP_201_CREATED, headers={"Location": url})

    @extend_schema(
        operation_id="getDataset",
        summary="One data set",
        responses={200: DatasetDetailSerializer, **NOT_FOUND},
    )
    def retrieve(self, request: Request, name: str) -> Response:
        dataset = self.get_queryset().filter(name=name).first()
        if dataset is None:
            raise NotFound
        return Response(DatasetDetailSerializer(dataset).data)


class ReleaseViewSet(GenericViewSet[Release]):
    """Releases: numbered, and the same for good."""

    serializer_class = ReleaseSerializer
    parser_classes = (ProposalParser,)

    @extend_schema(
        operation_id="listReleases",
        summary="Browse the releases of a data set, newest first",
        parameters=[PageParameters],
        responses={200: ReleasePageSerializer, **NOT_FOUND},
    )
    def list(self, request: Request, name: str) -> Response:
        releases = shown_dataset(request, name).releases.select_related("dataset")
        return paged(releases.order_by("-number"), request, ReleaseSerializer)

    @extend_schema(
        operation_id="createRelease",
        summary="Freeze what a query finds",
        description=(
            "The worker builds it: `building`, then `released`, or `failed` for what only shows "
            "then. What refuses a release of up to 20,000 images is told at once."
        ),
        request=ReleaseInput,
        parameters=[LOCATION],
        responses={202: ReleaseDetailSerializer, **NOT_FOUND, **REFUSED},
    )
    @keyed()
    def create(self, request: Request, name: str) -> Response:
        dataset = shown_dataset(request, name)
        asked = proposal(request.data)
        limit(request, Kind.SEARCHES)
        release = proposing.propose(dataset, asked, author_of(request, SOURCE))
        release.refresh_from_db()
        url = url_of(request, release)
        return Response(
            record_of(request, release), status=status.HTTP_202_ACCEPTED, headers={"Location": url}
        )

    @extend_schema(
        operation_id="getRelease",
        summary="One release",
        parameters=[NUMBER],
        responses={200: ReleaseDetailSerializer, **NOT_FOUND},
    )
    def retrieve(self, request: Request, name: str, number: str) -> Response:
        return Response(record_of(request, shown_release(request, name, number)))

    @extend_schema(
        operation_id="getReleaseStatement",
        summary="What is signed of a release",
        description="The JSON that the signature is over, byte by byte.",
        parameters=[NUMBER],
        responses={200: {"type": "object"}, **NOT_FOUND},
    )
    def statement(self, request: Request, name: str, number: str) -> HttpResponse:
        release = standing_release(request, name, number)
        return HttpResponse(release.statement, content_type="application/json")

    @extend_schema(
        operation_id="retireRelease",
        summary="End what a release holds",
        description=(
            "Files of deleted images are kept for it no longer. What it consisted of is told and "
            "proved as before."
        ),
        request=None,
        parameters=[NUMBER],
        responses={200: ReleaseDetailSerializer, **NOT_FOUND},
    )
    @keyed()
    def retire(self, request: Request, name: str, number: str) -> Response:
        release = holding.retire(shown_release(request, name, number))
        return Response(record_of(request, release))


def shown_dataset(request: Request, name: str) -> Dataset:
    """The data set of a name, if the caller is shown it. Raises NotFound."""
    dataset = rights.visible_to(request.user).filter(name=name).first()
    if dataset is None:
        raise NotFound
    return dataset


def shown_release(request: Request, name: str, number: str) -> Release:
    """The release of a number, whatever has become of it. Raises NotFound, ValidationError."""
    dataset = shown_dataset(request, name)
    releases = dataset.releases.select_related("dataset")
    release = releases.filter(number=parse_id(number)).first()
    if release is None:
        raise NotFound
    return release


def standing_release(request: Request, name: str, number: str) -> Release:
    """One that has members: released, or retired since. Raises Conflict of others, and what
    `shown_release` does."""
    release = shown_release(request, name, number)
    if release.state not in STANDING:
        raise Conflict(f"The release is {release.state}.")
    return release


def url_of(request: Request, release: Release) -> str:
    """Where a release is read."""
    path = reverse("release", args=[release.dataset.name, release.number])
    return request.build_absolute_uri(path)


def record_of(request: Request, release: Release) -> dict[str, Any]:
    """A release, whole, as the caller is shown it."""
    context = {"url": url_of(request, release), "viewer": Viewer.of(request.user)}
    return dict(ReleaseDetailSerializer(release, context=context).data)
