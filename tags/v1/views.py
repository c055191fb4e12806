"""/v1/tags (contract TIM)."""

from django.conf import settings
from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from images.visibility import Viewer
from search.v1.parameters import ImageConditions, list_query
from search.v1.views import browse, browse_lines, documented, documented_lines
from taggedimages.http import caching
from taggedimages.http.idempotency import keyed
from taggedimages.http.openapi import ETAG, IF_MATCH, IF_NONE_MATCH, NOT_MODIFIED
from taggedimages.http.reading import read
from taggedimages.identity.authentication import author_of
from taggedimages.transactions import retried
from taggedimages.v1 import SOURCE
from taggedimages.v1.cursors import LINK_HEADER
from taggedimages.v1.ids import parse_id
from taggedimages.v1.pagination import CursorPageParameters, page_response, read_page
from taggedimages.v1.schema import CHANGED_SINCE
from tags import alphabet, curation, rights
from tags.models import Tag, TagQuerySet
from tags.v1.cursors import cursor_at, position_of
from tags.v1.serializers import TagBrowsePageSerializer, TagNameSerializer, TagSerializer


class TagViewSet(GenericViewSet[Tag]):
    """The vocabulary."""

    serializer_class = TagSerializer

    def get_queryset(self) -> TagQuerySet:
        return Tag.objects.shown_to(Viewer.of(self.request.user)).alphabetical()

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
        tag = curation.create(_name_in(request), author_of(request, SOURCE).user)
        return Response(TagSerializer(tag).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="getTag",
        summary="One tag",
        parameters=[IF_NONE_MATCH, ETAG],
        responses={200: TagSerializer, **NOT_MODIFIED},
    )
    def retrieve(self, request: Request, id: str) -> Response:
        record = TagSerializer(self.tag(id)).data
        return caching.tagged(request, record, caching.entity_tag(record))

    @extend_schema(
        operation_id="updateTag",
        summary="Rename a tag on every image",
        request=TagNameSerializer,
        parameters=[IF_MATCH],
        responses={200: TagSerializer, **CHANGED_SINCE},
    )
    @retried
    def update(self, request: Request, id: str) -> Response:
        name = _name_in(request)
        tag = self.held(id)
        self.check_change(tag, name)
        return Response(TagSerializer(curation.rename(tag, name)).data)

    @extend_schema(
        operation_id="deleteTag",
        summary="Delete a tag, never its images",
        parameters=[IF_MATCH],
        responses={204: None, **CHANGED_SINCE},
    )
    @retried
    def destroy(self, request: Request, id: str) -> Response:
        tag = self.held(id)
        self.check_change(tag)
        if not curation.delete(tag, author_of(request, SOURCE)):
            raise NotFound
        return Response(status=status.HTTP_204_NO_CONTENT)

    @documented("listTagImages", "Browse the images with a tag, newest first", ImageConditions)
    def images(self, request: Request, id: str) -> HttpResponseBase:
        found = browse(request, list_query(request, tag_id=parse_id(id)))
        if not (isinstance(found, Response) and found.data["meta"]["total_results"]):
            # Nothing, or a stream of it may be: of a tag without images, or of none.
            self.tag(id)
        return found

    @documented_lines("listTagImageLines", "All images with a tag, as NDJSON", ImageConditions)
    def image_lines(self, request: Request, id: str) -> HttpResponseBase:
        found = browse_lines(request, list_query(request, tag_id=parse_id(id)))
        # What is wrong with the request comes first, as everywhere.
        self.tag(id)
        return found

    def tag(self, id: str, *, locked: bool = False) -> Tag:
        """The tag with this id, if the caller is shown it. Raises NotFound."""
        tags = self.get_queryset()
        if locked:
            tags = tags.select_for_update()
        tag = tags.filter(pk=parse_id(id)).first()
        if tag is None:
            raise NotFound
        return tag

    def check_change(self, tag: Tag, new_name: str | None = None) -> None:
        """Raise OnImagesOfOthers or Restricted; under `open`, everybody changes all tags but the
        restricted ones."""
        check = rights.check_names if settings.ANONYMOUS == "open" else rights.check_change
        check(tag, author_of(self.request, SOURCE), new_name)

    def held(self, id: str) -> Tag:
        """The tag for a write: locked, and as If-Match wants it, until the transaction ends.

        Raises NotFound, PreconditionFailed.
        """
        tag = self.tag(id, locked=True)
        caching.check(self.request, lambda: caching.entity_tag(TagSerializer(tag).data))
        return tag


def _name_in(request: Request) -> str:
    return str(read(TagNameSerializer, request.data)["name"])
