"""Images by their tags, listed, and one by one (contract IMS, endpoints)."""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.http import QueryDict
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer
from rest_framework.exceptions import NotFound, ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from images import editing, serving, uploads
from images.models import Image
from images.querysets import ImageQuerySet
from search.results import SearchResults
from taggedimages.dialects.ims.conventions import ImsViewSet, body
from taggedimages.dialects.ims.filters import (
    ACTIONS,
    ActionSerializer,
    query_of,
    viewer_of,
)
from taggedimages.dialects.ims.list_filters import documented_filters, found, number, only
from taggedimages.dialects.ims.list_order import COLUMNS, order_of
from taggedimages.dialects.ims.patches import MEDIA_TYPES, PATCH_BODIES, V20, edit_of, values_of
from taggedimages.dialects.ims.records import (
    Tags,
    record,
    resource,
    tags_of,
    tags_of_page,
    with_creator,
    with_tags,
)
from taggedimages.dialects.ims.rules import MAX_TAGS
from taggedimages.dialects.ims.schema import documented
from taggedimages.dialects.ims.serializers import (
    ImageRecordSerializer,
    ImagesSerializer,
    MembersSerializer,
    ResourcesSerializer,
)
from taggedimages.http import caching, page_size
from taggedimages.http.idempotency import always, keyed
from taggedimages.http.openapi import ETAG, IF_MATCH, IF_NONE_MATCH, NOT_MODIFIED
from taggedimages.http.rate_limits import limit
from taggedimages.identity.rate_limits import Kind
from taggedimages.transactions import retried
from tags import tagging
from tags.models import ImageTag


def shown(show: Callable[[Image, Tags], dict[str, Any]], page: list[Image]) -> list[dict[str, Any]]:
    """The images of a page as rows, with as many of their tags as a page has room for."""
    if not page:
        return []
    rows = list(map(show, page, tags_of_page(page)))
    page_size.fit(rows, [(row, "tags") for row in rows], [])
    return rows


def whole_record(images: ImageQuerySet) -> dict[str, Any]:
    """The one image that there is among some, with all its tags."""
    image = with_tags(images).get()
    return record(image, tags_of(image))


class ResourceViewSet(ImsViewSet):
    """The images of a project by their tags."""

    only_reads = True

    def found_again(self, request: Request, made: None, project_id: str) -> Response:
        """What is found now, where the links of what was have ended."""
        return self.found(request, project_id)

    @documented(
        summary="Find or count images by their tags",
        request=PolymorphicProxySerializer("ResourceAction", {**ACTIONS}, "action"),
        responses=ResourcesSerializer,
    )
    @keyed(again=found_again, claims=always)
    def act(self, request: Request, project_id: str) -> Response:
        return self.found(request, project_id)

    def found(self, request: Request, project_id: str) -> Response:
        """What the body asks for. Raises ParseError, ValidationError."""
        if request.query_params:
            raise ParseError("What narrows is in the body.")
        action = self.asked(ActionSerializer)["action"]
        asked = self.asked(ACTIONS[action])
        query = query_of(asked)
        if query.is_expensive:
            limit(request, Kind.SEARCHES)
        images = with_creator(Image.objects.current().of_project(project_id))
        found = SearchResults(query, viewer_of(project_id), images=images)
        answer = {"total_count": found.count()}
        if action == "count":
            return Response(answer)
        start = min(asked["offset"], answer["total_count"])
        page = found[start : start + asked["limit"]]
        return Response({"resources": shown(resource, page), **answer})


SORTING = ("sort", "sort_key", "sort_dir")
LIST_PARAMETERS = [
    *documented_filters(),
    OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 500}),
    OpenApiParameter("marker", description="The id of the last image of the page before."),
    OpenApiParameter("sort", description="Such as `name:asc,size:desc`."),
    OpenApiParameter("sort_key", {"type": "string", "enum": list(COLUMNS)}),
    OpenApiParameter("sort_dir", {"type": "string", "enum": ["asc", "desc"]}),
]


class ImageViewSet(ImsViewSet):
    """The images of the caller's project, newest first."""

    @documented(
        summary="The images of the caller's project, newest first",
        description="All parameters narrow; one that no table of Glance's or of this API has is "
        "one of a property, which no image here has: nothing is found.",
        parameters=LIST_PARAMETERS,
        responses=ImagesSerializer,
    )
    def index(self, request: Request) -> Response:
        given = request.query_params
        limit, marker = number(given, "limit", 500, 1000), only(given, "marker")
        project = Image.objects.of_project(self.author.project_id)
        order = order_of(given)
        asked = found(self.author.project_id, given, {"limit", "marker", *SORTING})
        marked = None if marker is None else project.with_uuid(marker)
        first = order.first(asked.images, limit + 1, marked)
        page = first[:limit]
        answer = {"images": shown(record, page)}
        more = {"next": _following(request, page[-1])} if len(first) > len(page) else {}
        return Response(answer | more)

    @documented(
        summary="One image, of the caller's project or public",
        parameters=[IF_NONE_MATCH, ETAG],
        responses={200: ImageRecordSerializer, **NOT_MODIFIED},
    )
    def retrieve(self, request: Request, image_id: str) -> Response:
        image = self.arrived(image_id)
        told = whole_record(Image.objects.filter(pk=image.pk))
        return caching.tagged(request, told, caching.entity_tag(told))

    @documented(
        summary="Change an image's tags and its name",
        description="Operations on `/tags`, `/tags/{place}` and `/name`. Tags that stay keep their "
        "values.",
        request=PATCH_BODIES,
        parameters=[IF_MATCH],
        responses=ImageRecordSerializer,
    )
    @retried
    @transaction.atomic
    def change(
        self, request: Request, image_id: str, media_types: tuple[str, ...] = MEDIA_TYPES
    ) -> Response:
        image = self.writable(image_id)
        media_type = request.content_type.partition(";")[0].strip().lower()
        if media_type not in media_types:
            accepted = ", ".join(media_types)
            refusal = body(415, f"Send one of: {accepted}.")
            return Response(refusal, status=415, headers={"Accept-Patch": accepted})
        patch = self.body()
        rows = Image.objects.filter(pk=image.pk)
        list(Image.objects.select_for_update(no_key=True).filter(pk=image.pk))
        shown_now = whole_record(rows)
        caching.check(request, lambda: caching.entity_tag(shown_now))
        edit = edit_of(patch, media_type == V20, shown_now["tags"])
        if edit.name is not None and not editing.edit(image, {"name": edit.name}):
            raise NotFound("There is no such image.")
        if edit.tags is not None:
            self.retag(image, edit.tags)
        return Response(whole_record(rows))

    @documented(
        summary="The file: a link that reads it",
        description="As `application/octet-stream`, which OpenStack's clients insist on. 204 as "
        "long as there is none.",
        responses={302: None, 204: None},
    )
    def file(self, request: Request, image_id: str) -> Response:
        image = self.arrived(image_id)
        if image.uploaded_at is None:
            return Response(status=204)
        return Response(status=302, headers={"Location": _link(image)})

    @documented(
        summary="Whom else an image is shared with: nobody",
        responses=MembersSerializer,
    )
    def members(self, request: Request, image_id: str) -> Response:
        self.readable(image_id)
        return Response({"members": []})

    def arrived(self, image_id: str) -> Image:
        """An image that may be read, having looked for its file. Raises NotFound."""
        image = self.readable(image_id)
        if image.uploaded_at is None and uploads.try_to_confirm(image):
            image.refresh_from_db()
        return image

    def retag(self, image: Image, texts: list[str]) -> None:
        """Give the image these tags and no others. Raises TooManyTags, ValidationError."""
        links = ImageTag.objects.filter(image=image).order_by("id")
        values = values_of(texts, dict(links.values_list("tag__name", "value")))
        tagging.set_values(image, values, self.author, at_most=MAX_TAGS, alone=True)


def _link(image: Image) -> str:
    # As bytes to be saved, whatever they are.
    return serving.urls()(image.key, image.filename, None, None)


def _following(request: Request, last: Image) -> str:
    """The path and query of the next page."""
    parameters: QueryDict = request.query_params.copy()
    parameters["marker"] = str(last.uuid)
    return f"{request.path}?{parameters.urlencode()}"
