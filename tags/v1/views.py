"""/v1/tags (contract TIM)."""

from django.http import HttpResponseBase
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from images.visibility import Viewer
from search.query import Query
from search.results import SearchResults
from search.v1.parameters import Asked, ImageConditions, list_query
from search.v1.views import browse, browse_lines, documented, documented_lines
from taggedimages.http import caching
from taggedimages.http.errors import Conflict
from taggedimages.http.idempotency import keyed
from taggedimages.http.openapi import ETAG, IF_MATCH, IF_NONE_MATCH, NOT_MODIFIED
from taggedimages.http.reading import read
from taggedimages.transactions import retried
from taggedimages.v1.cursors import LINK_HEADER
from taggedimages.v1.ids import parse_id
from taggedimages.v1.pagination import CursorPageParameters, page_response, read_page
from taggedimages.v1.schema import CHANGED_SINCE
from tags import alphabet, curation, renaming, rights, vocabulary
from tags.models import ImageTag, Tag, TagQuerySet
from tags.v1.access import author, check_change, check_target, held_tags, shown_tag, shown_tags
from tags.v1.cursors import cursor_at, position_of
from tags.v1.details import detail_of, entity_tag
from tags.v1.serializers import (
    TagBrowsePageSerializer,
    TagDetailSerializer,
    TagNameSerializer,
    TagSerializer,
    TagUpdatedSerializer,
    TagUpdateSerializer,
)

IS_ALIAS = OpenApiResponse(None, "The tag is an alias; `Location` is its target.")
ALIAS_LOCATION = OpenApiParameter(
    "Location", location=OpenApiParameter.HEADER, response=[301], description="Path of the target."
)
# What the published API does not know of PUT: whoever sends one of these is answered the whole tag.
BESIDE_NAME = {"keep_old", "status", "category"}


class TagViewSet(GenericViewSet[Tag]):
    """The vocabulary."""

    serializer_class = TagSerializer

    def get_queryset(self) -> TagQuerySet:
        return Tag.objects.targets_shown_to(Viewer.of(self.request.user)).alphabetical()

    @extend_schema(
        operation_id="listTags",
        summary="Browse tags in alphabetical order",
        parameters=[CursorPageParameters, LINK_HEADER],
        responses=TagBrowsePageSerializer,
    )
    def list(self, request: Request) -> Response:
        asked = read_page(CursorPageParameters, request)
        after = position_of(asked["cursor"]) if asked["cursor"] else None
        page = alphabet.page(
            Viewer.of(request.user), asked["limit"], asked["page"] * asked["limit"], after
        )
        following = cursor_at(page.last) if page.last else None
        # Tags as TagSerializer has them, which would take longer than finding them.
        return page_response(request, asked, page.tags, page.total, following)

    @extend_schema(
        operation_id="createTag",
        summary="Create a tag",
        description="A name that exists gives the tag that has it.",
        request=TagNameSerializer,
        responses={201: TagSerializer},
    )
    @keyed()
    def create(self, request: Request) -> Response:
        name = read(TagNameSerializer, request.data)["name"]
        tag = curation.create(name, author(request))
        return Response(TagSerializer(tag).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="getTag",
        summary="One tag, with what stands around it",
        description="The id of an alias leads to its target.",
        parameters=[IF_NONE_MATCH, ETAG, ALIAS_LOCATION],
        responses={200: TagDetailSerializer, 301: IS_ALIAS, **NOT_MODIFIED},
    )
    def retrieve(self, request: Request, id: str) -> Response:
        tag = shown_tag(request, id)
        if tag.alias_of_id is not None:
            target = reverse("tag", kwargs={"id": tag.alias_of_id})
            # It may be one no longer with the next request: not to be stored (http.caching).
            return Response(status=301, headers={"Location": target})
        record = detail_of(tag, Viewer.of(request.user))
        return caching.tagged(request, record, entity_tag(record))

    @extend_schema(
        operation_id="updateTag",
        summary="Rename a tag on every image, or say how it may be used",
        description=(
            "A tag may take back the name of its own alias; another tag's name, or the name of its "
            "alias, is 409. So is an alias: change its target."
        ),
        request=TagUpdateSerializer,
        parameters=[IF_MATCH],
        responses={200: TagUpdatedSerializer, **CHANGED_SINCE},
    )
    @retried
    def update(self, request: Request, id: str) -> Response:
        asked = read(TagUpdateSerializer, request.data)
        name = asked.get("name")
        tag = held_tag(request, id)
        check_target(tag)
        check_change(request, tag, name)
        if asked.get("status") == Tag.Status.LOCKED:
            rights.check_lock(author(request))
        if name is not None:
            tag = renaming.rename(tag, name, author(request), keep_old=asked["keep_old"])
        curation.classify(tag, asked.get("status"), asked.get("category"))
        if BESIDE_NAME.intersection(request.data):
            return Response(detail_of(tag, Viewer.of(request.user)))
        return Response(TagSerializer(tag).data)

    @extend_schema(
        operation_id="deleteTag",
        summary="Delete a tag with its aliases, never its images",
        description=(
            "An alias is deleted by its own id, as long as no image has it itself; one that images "
            "have is 409: merge it into its target first."
        ),
        parameters=[IF_MATCH],
        responses={204: None, **CHANGED_SINCE},
    )
    @retried
    def destroy(self, request: Request, id: str) -> Response:
        curation.lock_images(parse_id(id))
        tag = held_tag(request, id)
        check_change(request, tag)
        if tag.alias_of_id is not None:
            check_change(request, vocabulary.canonical(tag))
            if ImageTag.objects.filter(tag=tag.pk).exists():
                raise Conflict(f"Images have the alias {tag.name!r} itself: merge it first.")
        if not curation.delete(tag, author(request)):
            raise NotFound
        return Response(status=status.HTTP_204_NO_CONTENT)

    @documented("listTagImages", "Browse the images with a tag, newest first", ImageConditions)
    def images(self, request: Request, id: str) -> HttpResponseBase:
        asked = list_query(request, tag_id=parse_id(id))
        found = browse(request, asked)
        if not (isinstance(found, Response) and found.data["meta"]["total_results"]):
            # Nothing, or a stream of it may be: of a tag without images, or of none.
            check_tag(request, id, asked)
        return found

    @documented_lines("listTagImageLines", "All images with a tag, as NDJSON", ImageConditions)
    def image_lines(self, request: Request, id: str) -> HttpResponseBase:
        asked = list_query(request, tag_id=parse_id(id))
        found = browse_lines(request, asked)
        # What is wrong with the request comes first, as everywhere.
        check_tag(request, id, asked)
        return found


def check_tag(request: Request, id: str, asked: Asked) -> None:
    """Raise NotFound unless the caller is shown the tag with the id in a path, or is shown images
    that had it at the instant asked for, whatever became of it."""
    if asked.query.as_of is None:
        shown_tag(request, id)
    elif not shown_tags(request).filter(pk=parse_id(id)).exists():
        had = Query(
            tag_id=parse_id(id),
            aliased=True,
            as_of=asked.query.as_of,
            vocabulary_now=asked.query.vocabulary_now,
        )
        if not SearchResults(had, Viewer.of(request.user)).count():
            raise NotFound


def held_tag(request: Request, id: str) -> Tag:
    """The tag for a write: locked, and as If-Match wants it, until the transaction ends.

    Raises NotFound, PreconditionFailed.
    """
    tag, _ = held_tags(request, id)
    caching.check(request, lambda: entity_tag(detail_of(tag, Viewer.of(request.user))))
    return tag
