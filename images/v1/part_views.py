"""/v1/images in parts: begin, how far, complete, abort. Only who began may go on."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from images import part_uploads, storage
from images.models import Image, PartedUpload
from images.v1.serializers import PartsSerializer
from taggedimages.http.idempotency import with_answer
from taggedimages.http.parsers import BoundedJSONParser
from taggedimages.identity.authentication import AnonymousPolicy
from taggedimages.identity.authors import Author
from taggedimages.transactions import may_be_committed, retried
from taggedimages.v1.ids import parse_id
from taggedimages.v1.schema import ErrorSerializer
from tags import tagging

FOREIGN = {403: OpenApiResponse(ErrorSerializer, "Somebody else sends this file.")}


class PartListParser(BoundedJSONParser):
    """Bodies that name the parts of a file: S3 knows more of them than items of other lists."""

    max_items = part_uploads.MAX_PARTS


class MaySend(AnonymousPolicy):
    """Even looking at an upload hands out URLs to write to."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return not isinstance(request.user, AnonymousUser) or settings.ANONYMOUS == "open"


class PartsView(APIView):
    """An upload in parts that is under way."""

    permission_classes = (MaySend,)

    @extend_schema(
        operation_id="getImageParts",
        summary="How far an upload in parts is, with fresh URLs for the rest",
        description="409 where no upload in parts is under way.",
        responses={
            200: PartsSerializer,
            409: OpenApiResponse(ErrorSerializer, "No upload in parts is under way."),
            **FOREIGN,
        },
    )
    def get(self, request: Request, id: str) -> Response:
        upload = part_uploads.under_way(_own(request, id))
        arrived, urls = part_uploads.arrived(upload), part_uploads.urls(upload)
        parts = [
            _part(number, arrived.get(number), urls.get(number))
            for number in sorted({*urls, *arrived})
        ]
        return Response({"id": upload.image.pk, "upload_id": upload.upload_id, "parts": parts})

    @extend_schema(
        operation_id="abortImageParts",
        summary="Abort an upload in parts",
        description="Frees what has arrived. Idempotent; a completed file stays.",
        responses={204: None, **FOREIGN},
    )
    def delete(self, request: Request, id: str) -> Response:
        part_uploads.abort(_own(request, id))
        return Response(status=status.HTTP_204_NO_CONTENT)


def begin_parts(request: Request, asked: dict[str, Any], author: Author) -> HttpResponse:
    """The answer to POST /images where parts were asked for."""
    upload = part_uploads.plan(
        asked["filename"],
        asked["size"],
        asked["parts"],
        author,
        asked.get("part_size"),
        asked.get("visibility"),
    )

    def write() -> Response:
        _save(upload, asked["tags"], author)
        return Response(_to_send(upload), status=status.HTTP_201_CREATED)

    try:
        return with_answer(request, write)
    except Exception as error:
        # An upload without a record is freed with those that nobody completes.
        if not may_be_committed(error):
            storage.abort_parts(upload.image.key, upload.upload_id)
        raise


def parts_again(image: Image) -> dict[str, Any]:
    """The same with new URLs, as long as the upload is under way. Raises NotUnderWay."""
    return _to_send(part_uploads.under_way(image))


def _to_send(upload: PartedUpload) -> dict[str, Any]:
    parts = [{"number": number, "url": url} for number, url in part_uploads.urls(upload).items()]
    return {"id": upload.image.pk, "upload_id": upload.upload_id, "parts": parts}


def check_own(request: Request, image: Image) -> None:
    """Raise PermissionDenied unless the caller began this image, or is staff or editor of its
    project."""
    editable = Image.objects.editable_by(request.user).filter(pk=image.pk)
    if image.created_by_id != request.user.pk and not editable.exists():
        raise PermissionDenied("Somebody else sends this file.")


def _own(request: Request, id: str) -> Image:
    image = Image.objects.visible_to(request.user).filter(pk=parse_id(id)).first()
    if image is None:
        raise NotFound
    check_own(request, image)
    return image


def _part(number: int, arrived: storage.Part | None, url: str | None) -> dict[str, Any]:
    if arrived:
        return {"number": number, "size": arrived.size, "etag": arrived.etag, "url": None}
    return {"number": number, "size": None, "etag": None, "url": url}


@retried
def _save(upload: PartedUpload, names: list[str], author: Author) -> None:
    part_uploads.save(upload)
    tagging.tag_new(upload.image, names, author)
