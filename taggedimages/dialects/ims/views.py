"""The tags of images: /v2/{project_id}/images, /v1/cloudimages, /v2/images (contract IMS)."""

from itertools import groupby

from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from images.models import Image
from taggedimages.dialects.ims.codes import TAG_RULE
from taggedimages.dialects.ims.conventions import ImsViewSet
from taggedimages.dialects.ims.list_filters import documented_filters, found, number
from taggedimages.dialects.ims.records import tags_of, with_tags
from taggedimages.dialects.ims.rules import MAX_TAGS, joined, split
from taggedimages.dialects.ims.schema import documented
from taggedimages.dialects.ims.serializers import (
    BATCHES,
    BatchActionSerializer,
    CloudTagSerializer,
    OneTagSerializer,
    OpenStackTagSerializer,
    ProjectTagsSerializer,
    RemovalSerializer,
    TagsSerializer,
    TagStringsSerializer,
)
from taggedimages.http.idempotency import keyed
from tags import tagging

Tags = list[dict[str, str]]


QUANTITY = {"type": "integer", "minimum": 1}
# Of a list of tags as strings.
PAGING = frozenset({"limit", "page"})


def done() -> Response:
    """The answer to every change."""
    return Response(status=204)


class TagViews(ImsViewSet):
    """Changes of the tags of one image."""

    def write(self, image: Image, tags: Tags) -> Response:
        """Add tags, or give them new values."""
        values = {tag["key"]: tag["value"] for tag in tags}
        tagging.set_values(image, values, self.author, at_most=MAX_TAGS)
        return done()

    def unlink(self, image: Image, tags: Tags) -> Response:
        """Remove tags; those that are absent, or have another value than told, stay away or on."""
        values = {tag["key"]: tag.get("value") or None for tag in tags}
        tagging.untag_named(image, values, self.author)
        return done()

    def unlink_first(self, image: Image, *readings: tuple[str, str | None]) -> Response:
        """Remove the first of these keys and values that is there. Raises NotFound."""
        for key, value in readings:
            if "\0" not in key and tagging.untag_named(image, {key: value}, self.author):
                return done()
        raise NotFound("The image has no such tag.", TAG_RULE)


class ImageTagViewSet(TagViews):
    """The tags of one image by the path of its project."""

    @documented(summary="The tags of an image", responses=TagsSerializer)
    def index(self, request: Request, project_id: str, image_id: str) -> Response:
        image = with_tags(Image.objects.filter(pk=self.readable(image_id).pk)).get()
        return Response({"tags": tags_of(image)})

    @documented(
        summary="Add a tag to an image, or give it a new value",
        request=OneTagSerializer,
        responses={204: None},
    )
    @keyed()
    def add(self, request: Request, project_id: str, image_id: str) -> Response:
        return self.write(self.writable(image_id), [self.asked(OneTagSerializer)["tag"]])

    @documented(
        summary="Add or remove several tags of an image at once",
        request=PolymorphicProxySerializer("Batch", {**BATCHES}, "action"),
        responses={204: None},
    )
    @keyed()
    def batch(self, request: Request, project_id: str, image_id: str, key: str) -> Response:
        image = self.writable(image_id)
        action = self.asked(BatchActionSerializer)["action"]
        tags = self.asked(BATCHES[action])["tags"]
        return self.write(image, tags) if action == "create" else self.unlink(image, tags)

    @documented(summary="Remove a tag from an image", responses={204: None})
    def remove(self, request: Request, project_id: str, image_id: str, key: str) -> Response:
        return self.unlink_first(self.writable(image_id), (key, None), (key.strip(), None))

    @documented(
        summary="Remove several tags of an image",
        request=RemovalSerializer,
        responses={204: None},
    )
    def remove_several(self, request: Request, project_id: str, image_id: str) -> Response:
        return self.unlink(self.writable(image_id), self.asked(RemovalSerializer)["tags"])


class OpenStackTagViewSet(TagViews):
    """The tags of one image in the OpenStack form: keys only."""

    @documented(
        summary="Add a key to an image; a value that it has stays",
        request=None,
        responses={204: None},
    )
    def add(self, request: Request, image_id: str, tag: str) -> Response:
        image = self.writable(image_id)
        asked = OpenStackTagSerializer(data={"tag": tag})
        asked.is_valid(raise_exception=True)
        tagging.tag(image, [asked.validated_data["tag"]], self.author, at_most=MAX_TAGS)
        return done()

    @documented(summary="Remove a tag: `key`, `key=value` or `key.value`", responses={204: None})
    def remove(self, request: Request, image_id: str, tag: str) -> Response:
        return self.unlink_first(self.writable(image_id), (tag, None), split(tag))


class ProjectTagViewSet(ImsViewSet):
    """All tags of a project."""

    @documented(
        summary="The tags of a project's images",
        description="Parameters narrow these as they narrow lists of images.",
        parameters=documented_filters(),
        responses=ProjectTagsSerializer,
    )
    def index(self, request: Request, project_id: str) -> Response:
        pairs = found(project_id, request.query_params, frozenset()).names_and_values()
        rows = [
            {"key": key, "values": [value for _, value in group]}
            for key, group in groupby(pairs, key=lambda pair: pair[0])
        ]
        return Response({"tags": rows})


class CloudTagViewSet(TagViews):
    """/v1/cloudimages/tags: tags as strings."""

    @documented(
        summary="The tags of the caller's project, as strings",
        description="Parameters narrow the images as they narrow lists of these.",
        parameters=[
            *documented_filters(),
            OpenApiParameter("limit", QUANTITY | {"maximum": 500, "default": 500}),
            OpenApiParameter("page", QUANTITY | {"default": 1}, description="Counted from 1."),
        ],
        responses=TagStringsSerializer,
    )
    def index(self, request: Request) -> Response:
        given = request.query_params
        limit, page = number(given, "limit", 500, 500), number(given, "page", 1)
        images = found(self.author.project_id, given, PAGING)
        pairs = images.names_and_values((page - 1) * limit, page * limit)
        return Response({"tags": [joined(key, value) for key, value in pairs]})

    @documented(
        summary="Add a tag to an image, or give it a new value",
        request=CloudTagSerializer,
        responses={204: None},
    )
    def add(self, request: Request) -> Response:
        asked = self.asked(CloudTagSerializer)
        image = self.writable(asked["image_id"])
        return self.write(image, [asked.get("tag") or asked["image_tag"]])
