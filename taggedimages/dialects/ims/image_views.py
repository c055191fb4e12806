"""Images by their tags, listed, and one by one (contract IMS, endpoints)."""

from collections.abc import Callable
from typing import Any

from django.http import QueryDict
from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from images import uploads
from images.models import Image
from images.querysets import ImageQuerySet
from images.visibility import Viewer
from search.results import SearchResults
from taggedimages.dialects.ims.conventions import ImsViewSet
from taggedimages.dialects.ims.filters import (
    ACTIONS,
    ActionSerializer,
    ImageListParameters,
    list_query,
    query_of,
    viewer_of,
)
from taggedimages.dialects.ims.records import record, resource, with_creator, with_tags
from taggedimages.dialects.ims.schema import documented
from taggedimages.dialects.ims.serializers import (
    ImageRecordSerializer,
    ImagesSerializer,
    ResourcesSerializer,
)
from taggedimages.http import caching, page_size
from taggedimages.http.openapi import ETAG, IF_NONE_MATCH, NOT_MODIFIED
from taggedimages.http.rate_limits import limit
from taggedimages.identity.rate_limits import Kind
from tags import page_links


def shown(show: Callable[[Image], dict[str, Any]], page: list[Image]) -> list[dict[str, Any]]:
    """The images of a page as rows, with as many of their tags as a page has room for."""
    page_links.fetch(page)
    rows = [show(image) for image in page]
    page_size.fit(rows, [(row, "tags") for row in rows], [])
    return rows


class ResourceViewSet(ImsViewSet):
    """The images of a project by their tags."""

    only_reads = True

    @documented(
        summary="Find or count images by their tags",
        request=PolymorphicProxySerializer("ResourceAction", {**ACTIONS}, "action"),
        responses=ResourcesSerializer,
    )
    def act(self, request: Request, project_id: str) -> Response:
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


class ImageViewSet(ImsViewSet):
    """The images of the caller's project, newest first."""

    @documented(
        summary="The images of the caller's project, newest first",
        parameters=[ImageListParameters],
        responses=ImagesSerializer,
    )
    def index(self, request: Request) -> Response:
        parameters = ImageListParameters(data=request.query_params)
        parameters.is_valid(raise_exception=True)
        asked = parameters.validated_data
        project_id = self.author.project_id
        own = with_creator(Image.objects.current().of_project(project_id))
        viewer = Viewer(audiences=None, project=project_id)
        images = SearchResults(list_query(asked), viewer, images=own).images
        found = list(self.after(images, asked.get("marker"))[: asked["limit"] + 1])
        page = found[: asked["limit"]]
        answer = {"images": shown(record, page)}
        more = {"next": self.following(request, page[-1])} if len(found) > len(page) else {}
        return Response(answer | more)

    @documented(
        summary="One image, of the caller's project or public",
        parameters=[IF_NONE_MATCH, ETAG],
        responses={200: ImageRecordSerializer, **NOT_MODIFIED},
    )
    def retrieve(self, request: Request, image_id: str) -> Response:
        image = self.readable(image_id)
        if image.uploaded_at is None:
            uploads.try_to_confirm(image)
        told = record(with_tags(Image.objects.filter(pk=image.pk)).get())
        return caching.tagged(request, told, caching.entity_tag(told))

    def after(self, images: ImageQuerySet, marker: str | None) -> ImageQuerySet:
        """The images that follow the marked one, which may have ended since."""
        if marker is None:
            return images
        of_project = Image.objects.of_project(self.author.project_id)
        marked = of_project.with_uuid(marker).first()
        if marked is None:
            raise ValidationError({"marker": ["There is no such image."]})
        return images.older_than(marked)

    def following(self, request: Request, last: Image) -> str:
        """The path and query of the next page."""
        parameters: QueryDict = request.query_params.copy()
        parameters["marker"] = str(last.uuid)
        return f"{request.path}?{parameters.urlencode()}"
