"""/v1/images (contract TIM)."""

from operator import itemgetter
from typing import Any

from django.conf import settings
from django.http import HttpResponse, HttpResponseBase
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from images import (
    deletion,
    editing,
    part_uploads,
    reuse,
    storage,
    uploads,
)
from images.models import Image
from images.querysets import ImageQuerySet
from images.v1.part_views import FOREIGN, begin_parts, check_own, parts_again
from images.v1.past import past_record, was_registered
from images.v1.records import one_record, shown_record
from images.v1.rights import check_editable, editable
from images.v1.serializers import (
    CompleteSerializer,
    ImageCreatedSerializer,
    ImageCreateSerializer,
    ImageRecordSerializer,
    ImageUpdateSerializer,
    PartedUploadSerializer,
    TagChangeSerializer,
)
from images.visibility import Viewer
from search.v1.parameters import (
    ImageConditions,
    ImpliedParameters,
    list_query,
    past_instant,
)
from search.v1.views import browse, browse_lines, documented, documented_lines
from taggedimages.http import caching
from taggedimages.http.idempotency import always, keyed, with_answer
from taggedimages.http.openapi import ETAG, IF_MATCH, IF_NONE_MATCH, NOT_MODIFIED
from taggedimages.http.rate_limits import limited
from taggedimages.http.reading import read
from taggedimages.identity.authentication import author_of
from taggedimages.identity.authors import Author
from taggedimages.identity.rate_limits import Kind
from taggedimages.transactions import retried
from taggedimages.v1 import SOURCE
from taggedimages.v1.ids import parse_id
from taggedimages.v1.pagination import PageParameters, paged
from taggedimages.v1.schema import CHANGED_SINCE
from tags import history, tagging
from tags.implied import implied
from tags.past.showing import Moment


def _asks_store(request: Request) -> bool:
    """Whether making a record needs the store: for an upload in parts, or to look at a file."""
    asked = request.data if isinstance(request.data, dict) else {}
    return "parts" in asked or (settings.REUSE_DUPLICATES and "sha256" in asked)


class ImageViewSet(GenericViewSet[Image]):
    """Image records."""

    serializer_class = ImageRecordSerializer

    def get_queryset(self) -> ImageQuerySet:
        return Image.objects.visible_to(self.request.user)

    @documented("listImages", "Browse images, newest first", ImageConditions)
    def list(self, request: Request) -> HttpResponseBase:
        return browse(request, list_query(request))

    @documented_lines("listImageLines", "All images, as NDJSON", ImageConditions)
    def lines(self, request: Request) -> HttpResponseBase:
        return browse_lines(request, list_query(request))

    def begun_again(self, request: Request, id: int) -> Response:
        """What `create` answered, with new URLs for what is still to be sent. Raises NotFound."""
        asked = read(ImageCreateSerializer, request.data)
        image = self.get_queryset().filter(pk=id).first()
        if image is None:
            raise NotFound
        return Response(parts_again(image) if "parts" in asked else _url_again(image, asked))

    @extend_schema(
        operation_id="createImage",
        summary="Create a record and get a URL to PUT its file to",
        description=(
            "With `parts` and `size`: in how many parts the file will be sent; the answer then "
            "has an `upload_id` and a URL for each part. With `sha256`, and where the service is "
            "set to reuse duplicates: an image of the same project that the caller may change, "
            "of the same `visibility` if that is sent, and that has these bytes is answered as if "
            "just made, with the tags added that were sent; `upload_url` is then null, and nothing "
            "is to be sent."
        ),
        request=ImageCreateSerializer,
        responses={
            201: PolymorphicProxySerializer(
                "ImageCreated",
                [ImageCreatedSerializer, PartedUploadSerializer],
                resource_type_field_name=None,
            )
        },
    )
    @limited(Kind.UPLOADS)
    @keyed(again=begun_again, made=itemgetter("id"), claims=_asks_store)
    def create(self, request: Request) -> HttpResponse:
        asked = read(ImageCreateSerializer, request.data)
        author = author_of(request, SOURCE)
        if "parts" in asked:
            return begin_parts(request, asked, author)
        known = _known(asked, author, editable(request))

        def write() -> Response:
            created = _tagged(known, asked, author) if known else _begun(asked, author)
            return Response(created, status=status.HTTP_201_CREATED)

        return with_answer(request, write)

    @extend_schema(
        operation_id="getImage",
        summary="One image record",
        parameters=[ImpliedParameters, IF_NONE_MATCH, ETAG],
        responses={200: ImageRecordSerializer, **NOT_MODIFIED},
    )
    def retrieve(self, request: Request, id: str) -> Response:
        asked = read(ImpliedParameters, request.query_params)
        past = self.moment(asked)
        record = shown_record(parse_id(id), Viewer.of(request.user))
        if past is not None and not was_registered(self.image(id), past):
            raise NotFound
        if record["uploaded_timestamp"] is None:
            image = self.image(id)
            uploads.try_to_confirm(image)
            record = one_record(image)
        if past is not None:
            record = past_record(record, past, implied=asked["implied"])
        elif asked["implied"]:
            given = [tag["id"] for tag in record["tags"]]
            [record["implied_tags"]] = implied([given], Viewer.of(request.user))
        return caching.tagged(request, record, _entity_tag(record))

    @extend_schema(
        operation_id="updateImage",
        summary="Replace the tags of an image, or say who is shown it, or both",
        request=ImageUpdateSerializer,
        parameters=[IF_MATCH],
        responses={200: ImageRecordSerializer, **CHANGED_SINCE},
    )
    def update(self, request: Request, id: str) -> Response:
        asked = read(ImageUpdateSerializer, request.data)
        image = self.change(id, asked)
        # Whoever hides an image from themselves still is told what it has become.
        return Response(one_record(image))

    @retried
    def change(self, id: str, asked: dict[str, Any]) -> Image:
        """Replace the tags, say who is shown the image, or both.

        Raises NotFound, PermissionDenied, PreconditionFailed.
        """
        image = self.held(id)
        if "visibility" in asked:
            editing.edit(image, {"visibility": asked["visibility"]})
        if "tags" in asked:
            tagging.retag(image, asked["tags"], author_of(self.request, SOURCE))
        return image

    @extend_schema(
        operation_id="deleteImage",
        summary="Delete an image for good",
        parameters=[IF_MATCH],
        responses={204: None, **CHANGED_SINCE},
    )
    @retried
    def destroy(self, request: Request, id: str) -> Response:
        if not deletion.delete(self.held(id)):
            raise NotFound
        return Response(status=status.HTTP_204_NO_CONTENT)

    def shown_again(self, request: Request, made: None, id: str) -> Response:
        """What `complete` answered, as the record now is. Raises NotFound."""
        return Response(one_record(self.image(id)))

    @extend_schema(
        operation_id="completeImage",
        summary="Say that the file was sent",
        description=(
            "Idempotent. 409 while the file is absent or not of the declared size. "
            "A file that was sent in parts needs a body that names them."
        ),
        request=CompleteSerializer,
        responses={200: ImageRecordSerializer, **FOREIGN},
    )
    @keyed(again=shown_again, claims=always)
    def complete(self, request: Request, id: str) -> Response:
        asked = read(CompleteSerializer, request.data)
        image = self.image(id)
        if asked:
            check_own(request, image)
            part_uploads.complete(image, **asked)
        else:
            uploads.arrived(image)
        return Response(one_record(image))

    @extend_schema(
        operation_id="listImageHistory",
        summary="What happened to the tags of an image, newest first",
        parameters=[PageParameters],
        responses=TagChangeSerializer(many=True),
    )
    def history(self, request: Request, id: str) -> Response:
        return paged(history.of_image(self.image(id).pk), request, TagChangeSerializer)

    def moment(self, asked: dict[str, Any]) -> Moment | None:
        """As of when a record is asked for; None: now. Raises ValidationError."""
        at = past_instant(asked)
        if at is None:
            return None
        return Moment(at, asked["vocabulary"] == "now", Viewer.of(self.request.user))

    def image(self, id: str, images: ImageQuerySet | None = None) -> Image:
        """The image with this id, if the caller may see it. Raises NotFound."""
        images = self.get_queryset() if images is None else images
        try:
            return images.get(pk=parse_id(id))
        except Image.DoesNotExist as error:
            raise NotFound from error

    def held(self, id: str) -> Image:
        """The record for a write: locked, and as If-Match wants it, until the transaction ends.

        Raises NotFound, PermissionDenied, PreconditionFailed.
        """
        locked = self.get_queryset().select_for_update(no_key=True, of=("self",))
        image = self.image(id, locked)
        # What ended while the lock was waited for ended after this statement had begun.
        if image.ended_at and not Image.objects.current().filter(pk=image.pk).exists():
            raise NotFound
        check_editable(self.request, image)
        caching.check(self.request, lambda: _entity_tag(one_record(image)))
        return image


def _entity_tag(record: dict[str, Any]) -> str:
    url = record["url"]
    return caching.entity_tag(record, url=url and storage.worth(url))


def _tagged(image: Image, asked: dict[str, Any], author: Author) -> dict[str, Any]:
    tagging.tag(image, asked["tags"], author)
    return {"id": image.pk, "upload_url": None}


def _begun(asked: dict[str, Any], author: Author) -> dict[str, Any]:
    image = _begin(asked, author)
    return {"id": image.pk, **_place(image, asked)}


def _place(image: Image, asked: dict[str, Any], seconds: int | None = None) -> dict[str, Any]:
    bound = asked["content_type"], asked["sha256"]
    url = storage.presign_put(image.key, image.size, *bound, seconds=seconds)
    headers = {"upload_headers": storage.put_headers(*bound)} if any(bound) else {}
    return {"upload_url": url, **headers}


def _url_again(image: Image, asked: dict[str, Any]) -> dict[str, Any]:
    """Where the file of a record is still to be sent, if it is. Raises NotFound."""
    if image.uploaded_at:
        return {"id": image.pk, "upload_url": None}
    seconds = uploads.seconds_left(image)
    if seconds < 1:
        raise NotFound
    return {"id": image.pk, **_place(image, asked, seconds)}


def _known(asked: dict[str, Any], author: Author, editable: ImageQuerySet) -> Image | None:
    if not asked["sha256"]:
        return None
    same = asked["sha256"], asked.get("size")
    try:
        return reuse.existing(*same, author, editable, asked.get("visibility"))
    except storage.StorageUnavailable:
        # Records are made all the same while the store is away.
        return None


@retried
def _begin(asked: dict[str, Any], author: Author) -> Image:
    image = uploads.begin(asked["filename"], asked.get("size"), author, asked.get("visibility"))
    tagging.tag_new(image, asked["tags"], author)
    return image
