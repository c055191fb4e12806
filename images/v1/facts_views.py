"""Files and what is known of them: /v1/images/{id}/file, /facts, /similar, /v1/images/lookup."""

from typing import Any

from django.http import HttpResponseRedirect
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from images import likeness, serving, uploads
from images.models import Image
from images.v1.facts_serializers import (
    FactsSerializer,
    LookupResultSerializer,
    LookupSerializer,
    SimilarListSerializer,
    SimilarParameters,
    facts_of,
)
from taggedimages.http import page_size
from taggedimages.http.idempotency import keyed
from taggedimages.http.reading import read
from taggedimages.v1.ids import parse_id
from tags import page_links

LOCATION = OpenApiParameter(
    "Location",
    location=OpenApiParameter.HEADER,
    required=True,
    response=[302],
    description="A presigned URL, as `url` of the record is; after a HEAD, one for HEAD.",
)


class FileView(APIView):
    """The file itself, under an address that stays (docs/training.md)."""

    @extend_schema(
        operation_id="getImageFile",
        summary="The file of an image, by a redirect to a fresh URL",
        description="404 while the file is not there, too. The store wants no token.",
        parameters=[LOCATION],
        responses={302: OpenApiResponse(None, "The file is at `Location`, for an hour.")},
    )
    def get(self, request: Request, id: str) -> HttpResponseRedirect:
        image = _image(request, id)
        if image.uploaded_at is None and uploads.try_to_confirm(image):
            image = _image(request, id)
        if image.uploaded_at is None:
            raise NotFound("The file is not there.")
        return HttpResponseRedirect(serving.url(image, str(request.method)))


class FactsView(APIView):
    """The facts of one file."""

    @extend_schema(
        operation_id="getImageFacts",
        summary="What is known of the file of an image",
        description="Fields are null, `exif` is empty, as long as nothing is known.",
        responses=FactsSerializer,
    )
    def get(self, request: Request, id: str) -> Response:
        return Response(facts_of(_image(request, id), request.user))


class LookupView(APIView):
    """Images by the checksum of their file."""

    # A POST only because the sums do not fit a query string.
    only_reads = True

    @extend_schema(
        operation_id="lookupImages",
        summary="Find images by the SHA-256 of their file, such as before sending it",
        request=LookupSerializer,
        responses=LookupResultSerializer,
    )
    @keyed()
    def post(self, request: Request) -> Response:
        asked = read(LookupSerializer, request.data)
        sums = {text: bytes.fromhex(text) for text in asked["sha256"]}
        found = likeness.with_checksums(sums.values(), request.user)
        return Response({"results": {text: found.get(given, []) for text, given in sums.items()}})


class SimilarView(APIView):
    """Images that look alike."""

    @extend_schema(
        operation_id="listSimilarImages",
        summary="Images that look like this one, nearest first",
        parameters=[SimilarParameters],
        responses=SimilarListSerializer,
    )
    def get(self, request: Request, id: str) -> Response:
        asked = read(SimilarParameters, request.query_params)
        alike = likeness.similar(_image(request, id), request.user)
        nearest = list(alike)[: asked["limit"]]
        # All that a record shows but the tags.
        shown = Image.objects.visible_to(request.user).select_related("created_by", "facts")
        images = shown.defer("facts__exif", "facts__dicom").in_bulk(nearest)
        page_links.fetch(list(images.values()))
        results = [
            {"distance": alike[found], "image": images[found]}
            for found in nearest
            if found in images
        ]
        answer: Any = SimilarListSerializer({"results": results}).data
        rows = [row["image"] for row in answer["results"]]
        page_size.fit(rows, [(row, "tags") for row in rows], [])
        return Response(answer)


def _image(request: Request, id: str) -> Image:
    images = Image.objects.visible_to(request.user).select_related("facts")
    image = images.filter(pk=parse_id(id)).first()
    if image is None:
        raise NotFound
    return image
