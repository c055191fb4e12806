"""/v1/changes, and the merge of tags (docs/changes.md)."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from images.v1.records import records_of
from images.visibility import Viewer
from search.ordering import KeysetPosition
from search.v1 import streams
from search.v1.json_conditions import MAX_IDS, JsonConditions, json_query
from search.v1.parameters import AnyStreamParameters, StreamParameters, flat_labels
from search.v1.serializers import ImageBrowsePageSerializer
from search.v1.views import LINES
from taggedimages.changes import lifecycle, operations, rights
from taggedimages.changes.members import Members
from taggedimages.changes.models import Change, OnDrift, Outcome
from taggedimages.changes.standing import with_standing
from taggedimages.changes.v1 import showing
from taggedimages.changes.v1.serializers import (
    ApplySerializer,
    ChangeBrowsePageSerializer,
    ChangeListParameters,
    ChangeSerializer,
    OutcomeParameters,
    ProposalSerializer,
    TagMergeSerializer,
    UndoSerializer,
)
from taggedimages.http.parsers import BoundedJSONParser
from taggedimages.http.rate_limits import limit
from taggedimages.http.reading import read
from taggedimages.identity.authentication import author_of
from taggedimages.identity.rate_limits import Kind
from taggedimages.v1 import SOURCE
from taggedimages.v1.cursors import LINK_HEADER, read_cursor, write_cursor
from taggedimages.v1.ids import parse_id
from taggedimages.v1.pagination import CursorPageParameters, page_of, page_response, read_page
from taggedimages.v1.schema import ErrorSerializer
from tags.v1.access import shown_tags, shown_target

CURSORS = "v1.changes.images"
LOCATION = OpenApiParameter(
    "Location",
    location=OpenApiParameter.HEADER,
    response=[201, 202],
    description="Where the change is read.",
)
OTHER_DIGEST = {412: OpenApiResponse(ErrorSerializer, "The plan has another digest.")}
NOT_YOURS = {
    403: OpenApiResponse(
        ErrorSerializer,
        "It is not yours to do: a tag, or a change of so many images, is somebody else's.",
    )
}


class ProposalParser(BoundedJSONParser):
    """Bodies with more ids than items of other lists; names are counted by their fields."""

    max_items = max(MAX_IDS, settings.MAX_LIST_ITEMS)


class MemberParameters(CursorPageParameters):
    """Which part of the images, and what is said of each."""

    labels = flat_labels()


class ChangeViewSet(GenericViewSet[Change]):
    """Bulk changes: proposed, looked at, applied, and undone."""

    serializer_class = ChangeSerializer
    parser_classes = (ProposalParser,)

    def get_queryset(self) -> QuerySet[Change]:
        return with_standing(rights.visible_to(self.request.user))

    @extend_schema(
        operation_id="listChanges",
        summary="Browse changes, newest first",
        description="Of long ones, what they list is shortened here; each is whole by its id.",
        parameters=[ChangeListParameters],
        responses=ChangeBrowsePageSerializer,
    )
    def list(self, request: Request) -> Response:
        asked = read(ChangeListParameters, request.query_params)
        filters = {
            column: asked[name]
            for name, column in (
                ("state", "state"),
                ("kind", "kind"),
                ("created_by", "author_name"),
            )
            if asked[name] is not None
        }
        changes = self.get_queryset().filter(**filters).order_by("-id")
        start = asked["page"] * asked["limit"]
        total = rights.visible_to(request.user).filter(**filters).count()
        page = list(changes[start : start + asked["limit"]]) if start < total else []
        rows = showing.page(page, Viewer.of(request.user))
        return Response(page_of(rows, asked["page"], asked["limit"], total))

    @extend_schema(
        operation_id="proposeChange",
        summary="Propose to change all images that a query finds",
        description=(
            "Nothing is changed before `apply`. Small plans are `planned` at once; others are "
            "`planning` until the worker has made them."
        ),
        request=ProposalSerializer,
        parameters=[LOCATION],
        responses={202: ChangeSerializer, **NOT_YOURS},
    )
    def create(self, request: Request) -> Response:
        asked = read(ProposalSerializer, request.data)
        limit(request, Kind.SEARCHES)
        author = author_of(request, SOURCE)
        operation = operations.proposed(asked["operation"], rights.viewer_of(author))
        body: Any = request.data
        sent, conditions = body.get("query"), asked.get("query")
        if asked.get("everything"):
            conditions = read_everything(conditions)
            sent = (sent or {}) | {"everything": True}
        if conditions is None and not operation.merge:
            raise ValidationError({"query": ["This field is required."]})
        query = None
        if conditions is not None:
            try:
                query = json_query(conditions)
            except ValidationError as error:
                raise ValidationError({"query": error.detail}) from error
        change = lifecycle.propose(operation, query, author, note=asked.get("note", ""), asked=sent)
        return self.answer(change, status.HTTP_202_ACCEPTED)

    @extend_schema(operation_id="getChange", summary="One change", responses=ChangeSerializer)
    def retrieve(self, request: Request, id: str) -> Response:
        (record,) = showing.shown([self.change(id)], Viewer.of(request.user))
        return Response(record)

    @extend_schema(
        operation_id="discardChange",
        summary="Discard a change that is planned",
        responses={204: None},
    )
    def destroy(self, request: Request, id: str) -> Response:
        lifecycle.discard(self.change(id).pk)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        operation_id="applyChange",
        summary="Apply a plan",
        description=(
            "Acts on the images of the plan alone; each is judged again when its turn comes. One "
            "change of a project is applied at a time, and others wait."
        ),
        request=ApplySerializer,
        responses={202: ChangeSerializer, **OTHER_DIGEST, **NOT_YOURS},
    )
    def apply(self, request: Request, id: str) -> Response:
        change, asked = self.change(id), read(ApplySerializer, request.data)
        limit(request, Kind.SEARCHES)
        author = author_of(request, SOURCE)
        lifecycle.apply(change.pk, asked["digest"], author, asked.get("on_drift", OnDrift.SKIP))
        return self.answer(change, status.HTTP_202_ACCEPTED)

    @extend_schema(
        operation_id="stopChange",
        summary="Stop a change that is applied",
        description="What is done stays; `resume` goes on, `undo` takes it back.",
        request=None,
        responses={202: ChangeSerializer},
    )
    def stop(self, request: Request, id: str) -> Response:
        change = lifecycle.stop(self.change(id).pk)
        return self.answer(change, status.HTTP_202_ACCEPTED)

    @extend_schema(
        operation_id="resumeChange",
        summary="Go on with a change that was stopped or has failed",
        request=None,
        responses={202: ChangeSerializer},
    )
    def resume(self, request: Request, id: str) -> Response:
        change = lifecycle.resume(self.change(id).pk)
        return self.answer(change, status.HTTP_202_ACCEPTED)

    @extend_schema(
        operation_id="undoChange",
        summary="Propose to take a change back",
        description=(
            "A change of its own, which touches only what nobody has changed since, and says what "
            "it leaves alone. It may be undone, too."
        ),
        request=UndoSerializer,
        parameters=[LOCATION],
        responses={201: ChangeSerializer},
    )
    def undo(self, request: Request, id: str) -> Response:
        change, asked = self.change(id), read(UndoSerializer, request.data)
        limit(request, Kind.SEARCHES)
        undoing = lifecycle.undo(change, author_of(request, SOURCE), note=asked.get("note", ""))
        return self.answer(undoing, status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="listChangeImages",
        summary="Browse the images of a change, by id",
        description="Only images that the caller is shown now.",
        parameters=[OutcomeParameters, MemberParameters, LINK_HEADER],
        responses={(200, streams.JSON): ImageBrowsePageSerializer, **LINES},
    )
    def images(self, request: Request, id: str) -> HttpResponseBase:
        if media_type := streams.wanted_type(request, streams.JSON):
            return self.lines(request, id, media_type)
        asked = read_page(MemberParameters, request)
        members = self.members(request, id)
        after = _place(asked["cursor"])
        page = members.page(asked["limit"], asked["page"] * asked["limit"], after)
        following = write_cursor([page.last], CURSORS) if page.last else None
        records = records_of(page.records, labels=asked["labels"])
        return page_response(request, asked, records, page.total, following)

    @extend_schema(
        operation_id="listChangeImageLines",
        summary="All images of a change, as NDJSON",
        parameters=[OutcomeParameters, StreamParameters],
        responses=LINES,
    )
    def image_lines(self, request: Request, id: str) -> HttpResponseBase:
        return self.lines(request, id, streams.wanted_type(request) or streams.MEDIA_TYPES[0])

    def lines(self, request: Request, id: str, media_type: str) -> HttpResponseBase:
        """The images as NDJSON. Raises ValidationError, NotFound, TooManyStreams."""
        asked = read(AnyStreamParameters, request.query_params)
        if wrong := [name for name in ("page", "facets") if asked[name]]:
            raise ValidationError({name: [f"Does not go with {media_type}."] for name in wrong})
        place = _place(asked["cursor"])
        after = None if place is None else KeysetPosition(None, place)
        return streams.streamed(request, self.members(request, id), asked, after, media_type)

    def members(self, request: Request, id: str) -> Members:
        """The images that are asked for. Raises ValidationError, NotFound."""
        outcome = read(OutcomeParameters, request.query_params)["outcome"]
        return Members(self.change(id), Outcome[outcome.upper()], Viewer.of(request.user))

    def change(self, id: str) -> Change:
        """The change with this id, if the caller is shown it. Raises NotFound."""
        change = self.get_queryset().filter(pk=parse_id(id)).first()
        if change is None:
            raise NotFound
        return change

    def answer(self, change: Change, status_code: int) -> Response:
        """A change as it is now, and where."""
        return shown(self.request, change, status_code)


class TagMergeViewSet(GenericViewSet[Change]):
    """Tags that become one."""

    serializer_class = ChangeSerializer

    @extend_schema(
        operation_id="mergeTags",
        summary="Merge other tags into this one",
        description=(
            "From now on their names stand for this tag; a change, which needs no `apply`, moves "
            "their links."
        ),
        request=TagMergeSerializer,
        parameters=[LOCATION],
        responses={202: ChangeSerializer, **NOT_YOURS},
    )
    def create(self, request: Request, id: str) -> Response:
        asked = read(TagMergeSerializer, request.data)
        author = author_of(request, SOURCE)
        into = shown_target(request, id)
        sources = shown_tags(request).in_bulk(asked["from"])
        if missing := [one for one in asked["from"] if one not in sources]:
            raise ValidationError({"from": [f"There is no tag {missing[0]}."]})
        change = lifecycle.merge(list(sources.values()), into, author, note=asked.get("note", ""))
        return shown(request, change, status.HTTP_202_ACCEPTED)


def shown(request: Request, change: Change, status_code: int) -> Response:
    """A change as it is now, whoever is shown it from here on, and where it is read."""
    now = with_standing(Change.objects.filter(pk=change.pk)).get()
    url = request.build_absolute_uri(reverse("change", args=[change.pk]))
    (record,) = showing.shown([now], Viewer.of(request.user))
    return Response(record, status=status_code, headers={"Location": url})


def read_everything(conditions: dict[str, Any] | None) -> dict[str, Any]:
    """Conditions with `everything`, which was said beside them."""
    return (conditions or read(JsonConditions, {})) | {"everything": True}


def _place(cursor: str | None) -> int | None:
    """The id after which a cursor goes on. Raises ValidationError."""
    return read_cursor(cursor, CURSORS, "the images of a change")[0] if cursor else None
