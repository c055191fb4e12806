"""/v1/contracts: rules that tags keep, and who breaks them (docs/contracts.md)."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from images.visibility import Viewer
from taggedimages.changes.v1.views import ProposalParser
from taggedimages.datasets.contracts import keeping, reports, rights
from taggedimages.datasets.contracts.models import Contract, ContractVersion
from taggedimages.datasets.contracts.rights import OF, Asker
from taggedimages.datasets.contracts.v1.serializers import (
    ContractInput,
    ContractListParameters,
    ContractPageSerializer,
    ContractReportSerializer,
    ContractSerializer,
    ProjectParameters,
    ReportParameters,
    content,
)
from taggedimages.datasets.snapshots import one_state
from taggedimages.datasets.v1.asking import NameField
from taggedimages.epochs import epoch_seconds
from taggedimages.http.rate_limits import limit
from taggedimages.http.reading import read
from taggedimages.identity.authentication import author_of
from taggedimages.identity.rate_limits import Kind
from taggedimages.v1 import SOURCE
from taggedimages.v1.pagination import paged
from taggedimages.v1.schema import ErrorSerializer

NOT_FOUND = {404: OpenApiResponse(ErrorSerializer, "Unknown, or of another project.")}
NAME = OpenApiParameter("name", str, OpenApiParameter.PATH, description="Of the contract.")


class ContractViewSet(GenericViewSet[ContractVersion]):
    """Contracts, each as it says now."""

    serializer_class = ContractSerializer
    parser_classes = (ProposalParser,)

    @extend_schema(
        operation_id="listContracts",
        summary="Browse contracts, newest first",
        parameters=[ContractListParameters],
        responses=ContractPageSerializer,
    )
    def list(self, request: Request) -> Response:
        project = read(ContractListParameters, request.query_params)["project"]
        shown = rights.visible_to(Asker.of_user(request.user))
        if project:
            shown = shown.filter(project=project)
        versions = _with_contracts(ContractVersion.objects.filter(contract__in=shown))
        latest = versions.order_by("-contract_id", "-version").distinct("contract_id")
        return paged(latest, request, ContractSerializer)

    @extend_schema(
        operation_id="getContract",
        summary="One contract",
        parameters=[NAME, ProjectParameters],
        responses={200: ContractSerializer, **NOT_FOUND},
    )
    def retrieve(self, request: Request, name: str) -> Response:
        return Response(_record(_latest(_contract(request, name))))

    @extend_schema(
        operation_id="putContract",
        summary="Make a contract, or a new version of it",
        description="What it says already makes no version. It belongs to the caller's project.",
        request=ContractInput,
        parameters=[NAME, ProjectParameters],
        responses={200: ContractSerializer, 201: ContractSerializer},
    )
    def update(self, request: Request, name: str) -> Response:
        name = NameField().run_validation(name)
        said = content(request.data)
        limit(request, Kind.SEARCHES)
        project = _project_to_write(request)
        asker = Asker.of_user(request.user)
        kept = keeping.put(name, project, said, author_of(request, SOURCE), asker)
        code = status.HTTP_201_CREATED if kept.is_new else status.HTTP_200_OK
        return Response(_record(_latest(kept.version.contract)), status=code)

    @extend_schema(
        operation_id="deleteContract",
        summary="Give up a contract",
        description="Releases that it was a gate of go on telling what it said.",
        parameters=[NAME, ProjectParameters],
        responses={204: None, **NOT_FOUND},
    )
    def destroy(self, request: Request, name: str) -> Response:
        keeping.delete(_contract(request, name))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        operation_id="listContractVersions",
        summary="Browse what a contract has said, newest first",
        parameters=[NAME, ContractListParameters],
        responses={200: ContractPageSerializer, **NOT_FOUND},
    )
    def versions(self, request: Request, name: str) -> Response:
        versions = ContractVersion.objects.filter(contract=_contract(request, name))
        return paged(_with_contracts(versions).order_by("-version"), request, ContractSerializer)

    @extend_schema(
        operation_id="getContractReport",
        summary="Judge by a contract",
        description=(
            "At once, over all images that the caller is shown; `failing` finds the same in "
            "searches."
        ),
        parameters=[NAME, ReportParameters],
        responses={200: ContractReportSerializer, **NOT_FOUND},
    )
    def report(self, request: Request, name: str) -> Response:
        asked = read(ReportParameters, request.query_params)
        contract = _contract(request, name)
        viewer = Viewer.of(request.user)
        if asked["kept"]:
            return Response(_kept(contract, viewer))
        limit(request, Kind.SEARCHES)
        with one_state(read_only=True):
            return Response(reports.report(_latest(contract), viewer))


def _contract(request: Request, name: str) -> Contract:
    """The contract that a caller means. Raises NotFound, ValidationError."""
    project = read(ProjectParameters, request.query_params)["project"]
    said = f"{project}{OF}{name}" if project else name
    contract = rights.named(said, Asker.of_user(request.user))
    if contract is None:
        raise NotFound
    return contract


def _project_to_write(request: Request) -> str:
    """In whose name the caller makes contracts. Raises NotFound, ValidationError."""
    asker = Asker.of_user(request.user)
    project = str(read(ProjectParameters, request.query_params)["project"])
    own = asker.own_project
    if not project or project == own:
        return own
    if not asker.sees_all:
        raise NotFound
    return project


def _latest(contract: Contract) -> ContractVersion:
    versions = _with_contracts(ContractVersion.objects.filter(contract=contract))
    return versions.order_by("-version")[0]


def _with_contracts(versions: QuerySet[ContractVersion]) -> QuerySet[ContractVersion]:
    return versions.select_related("contract", "contract__latest_report")


def _record(version: ContractVersion) -> dict[str, Any]:
    return dict(ContractSerializer(version).data)


def _kept(contract: Contract, viewer: Viewer) -> dict[str, Any]:
    """The report of the latest look, with those in its samples that the viewer is shown now.
    Raises NotFound where there is none."""
    look = _latest(contract).contract
    kept = getattr(look, "latest_report", None)
    if kept is None or kept.report is None:
        raise NotFound
    shown = reports.shown(kept.report, viewer)
    return shown | {"checked_timestamp": epoch_seconds(kept.checked_at)}
