"""/v1/images, /v1/upload and /v1/hooks (contract TIM)."""

import hmac
import json
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.db.models import Prefetch
from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework import status
from rest_framework.exceptions import AuthenticationFailed, NotFound, ParseError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from images import (
    deletion,
    editing,
    events,
    part_uploads,
    reuse,
    storage,
    uploads,
)
from images.models import Image
from images.querysets import ImageQuerySet
from images.v1.part_views import FOREIGN, begin_parts, check_own
from images.v1.rights import check_editable, editable
from images.v1.serializers import (
    CompleteSerializer,
    ImageCreatedSerializer,
    ImageCreateSerializer,
    ImageRecordSerializer,
    ImageUpdateSerializer,
    PartedUploadSerializer,
    TagChangeSerializer,
    UploadCreateSerializer,
    UploadedSerializer,
)
from images.visibility import Viewer
from search.v1.parameters import ImageConditions, ImpliedParameters, list_query
from search.v1.views import browse, browse_lines, documented, documented_lines
from taggedimages.http import caching
from taggedimages.http.openapi import ETAG, IF_MATCH, IF_NONE_MATCH, NOT_MODIFIED
from taggedimages.http.parsers import check_bounds
from taggedimages.http.rate_limits import limit
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


def with_facts(images: ImageQuerySet) -> ImageQuerySet:
    """The images with all that a record shows but their tags."""
    return images.select_related("created_by", "facts").defer("facts__exif", "facts__dicom")


def with_tags(images: ImageQuerySet) -> ImageQuerySet:
    """The images with all that a record shows, in as many statements for one as for a hundred."""
    return with_facts(images).prefetch_related(Prefetch("imagetag_set", tagging.LINKS_OLDEST_FIRST))


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
    def create(self, request: Request) -> Response:
        limit(request, Kind.UPLOADS)
        asked = read(ImageCreateSerializer, request.data)
        author = author_of(request, SOURCE)
        created = (
            begin_parts(asked, author)
            if "parts" in asked
            else _begun(asked, author, editable(request))
        )
        return Response(created, status=status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="getImage",
        summary="One image record",
        parameters=[ImpliedParameters, IF_NONE_MATCH, ETAG],
        responses={200: ImageRecordSerializer, **NOT_MODIFIED},
    )
    def retrieve(self, request: Request, id: str) -> Response:
        asked = read(ImpliedParameters, request.query_params)
        image = self.image(id)
        if image.uploaded_at is None and uploads.try_to_confirm(image):
            image = self.image(id)
        record = ImageRecordSerializer(image).data
        if asked["implied"]:
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
        changed = with_tags(Image.objects.all()).get(pk=image.pk)
        return Response(ImageRecordSerializer(changed).data)

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
    def complete(self, request: Request, id: str) -> Response:
        asked = read(CompleteSerializer, request.data)
        image = self.image(id)
        if asked:
            check_own(request, image)
            part_uploads.complete(image, **asked)
        else:
            uploads.arrived(image)
        return Response(ImageRecordSerializer(self.image(id)).data)

    @extend_schema(
        operation_id="listImageHistory",
        summary="What happened to the tags of an image, newest first",
        parameters=[PageParameters],
        responses=TagChangeSerializer(many=True),
    )
    def history(self, request: Request, id: str) -> Response:
        return paged(history.of_image(self.image(id).pk), request, TagChangeSerializer)

    def image(self, id: str, images: ImageQuerySet | None = None) -> Image:
        """The record with this id, if the caller may see it. Raises NotFound."""
        images = self.get_queryset() if images is None else images
        image = with_tags(images).filter(pk=parse_id(id)).first()
        if image is None:
            raise NotFound
        return image

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
        caching.check(self.request, lambda: _entity_tag(ImageRecordSerializer(image).data))
        return image


class UploadView(APIView):
    """Small images in one request."""

    @extend_schema(
        operation_id="uploadImage",
        summary="Upload an image and create its record in one request",
        description=(
            "Where the service is set to reuse duplicates, and an image of the same project that "
            "the caller may change, of the same `visibility` if that is sent, has the same bytes: "
            "answers that one, with the tags added that "
            "were sent; `upload_url` is then null."
        ),
        request=UploadCreateSerializer,
        responses={201: UploadedSerializer},
    )
    def post(self, request: Request) -> Response:
        limit(request, Kind.UPLOADS)
        asked = read(UploadCreateSerializer, request.data)
        author = author_of(request, SOURCE)
        body = asked["image_data"]
        digest, visibility = sha256(body).digest(), asked.get("visibility")
        if image := reuse.existing(digest, len(body), author, editable(request), visibility):
            tagging.tag(image, asked["tags"], author)
            return self.answer(image)
        image = uploads.receive(asked["filename"], body, author, visibility)
        try:
            _save(image, asked["tags"], author)
        except Exception:
            storage.delete(image.key)
            raise
        return self.answer(image, digest)

    def answer(self, image: Image, sha256: bytes = b"") -> Response:
        """The record as it now is; `sha256` is of the bytes that the caller sent for it."""
        record = with_tags(Image.objects.all()).get(pk=image.pk)
        data = UploadedSerializer(record, context={"sha256": sha256}).data
        return Response(data, status=status.HTTP_201_CREATED)


class StoreEventView(APIView):
    """News from the object store."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def get_authenticate_header(self, request: Request) -> str:
        """Makes a wrong secret 401; without a challenge it would be 403."""
        return "Bearer"

    @extend_schema(
        operation_id="takeStoreEvent",
        summary="Take an event of the object store",
        description=(
            "AWS S3, SNS, MinIO or SeaweedFS. The shared secret comes as `X-Hook-Secret`, "
            "as `Authorization: Bearer`, or, for senders that can set no header, as `?secret=`."
        ),
        request=OpenApiTypes.OBJECT,
        responses={204: None},
    )
    def post(self, request: Request) -> Response:
        _check_secret(request)
        try:
            # SNS sends its JSON as text/plain: the content type says nothing here.
            message = json.loads(request.body)
            check_bounds(message)
            objects = events.objects_in(message)
        except (ValueError, RecursionError) as error:
            raise ParseError("Not an event of a known object store.") from error
        events.take(objects)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _check_secret(request: Request) -> None:
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    given = (
        request.headers.get("X-Hook-Secret")
        or (bearer if scheme.lower() == "bearer" else "")
        or request.query_params.get("secret", "")
    )
    expected = settings.HOOK_SECRET
    if not expected or not hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode()):
        raise AuthenticationFailed("The shared secret is missing or wrong.")


def _entity_tag(record: dict[str, Any]) -> str:
    url = record["url"]
    return caching.entity_tag(record, url=url and storage.worth(url))


def _begun(asked: dict[str, Any], author: Author, editable: ImageQuerySet) -> dict[str, Any]:
    if image := _known(asked, author, editable):
        tagging.tag(image, asked["tags"], author)
        return {"id": image.pk, "upload_url": None}
    image = _begin(asked, author)
    bound = asked["content_type"], asked["sha256"]
    url = storage.presign_put(image.key, image.size, *bound)
    headers = {"upload_headers": storage.put_headers(*bound)} if any(bound) else {}
    return {"id": image.pk, "upload_url": url, **headers}


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


@retried
def _save(image: Image, names: list[str], author: Author) -> None:
    uploads.save(image)
    tagging.tag_new(image, names, author)
