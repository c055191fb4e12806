"""/v1/upload and /v1/hooks: files that come with the request, and news of those that came to the
store (contract TIM)."""

import hmac
import json
from hashlib import sha256
from operator import itemgetter

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import AuthenticationFailed, NotFound, ParseError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from images import events, reuse, storage, uploads
from images.models import Image
from images.v1.records import one_record
from images.v1.rights import editable
from images.v1.serializers import UploadCreateSerializer, UploadedSerializer
from taggedimages.http.idempotency import always, keyed, with_answer
from taggedimages.http.parsers import check_bounds
from taggedimages.http.rate_limits import limited
from taggedimages.http.reading import read
from taggedimages.identity.authentication import author_of
from taggedimages.identity.authors import Author
from taggedimages.identity.rate_limits import Kind
from taggedimages.transactions import may_be_committed, retried
from taggedimages.v1 import SOURCE
from tags import tagging


class UploadView(APIView):
    """Small images in one request."""

    def answered_again(self, request: Request, made: tuple[int, str | None]) -> Response:
        """What `post` answered, as the record now is. Raises NotFound."""
        image_id, upload_url = made
        image = Image.objects.visible_to(request.user).filter(pk=image_id).first()
        if image is None:
            raise NotFound
        body = read(UploadCreateSerializer, request.data)["image_data"]
        return self.answer(image, sha256(body).digest() if upload_url else b"")

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
    @limited(Kind.UPLOADS)
    @keyed(again=answered_again, made=itemgetter("id", "upload_url"), claims=always)
    def post(self, request: Request) -> HttpResponse:
        asked = read(UploadCreateSerializer, request.data)
        author = author_of(request, SOURCE)
        body = asked["image_data"]
        digest, visibility = sha256(body).digest(), asked.get("visibility")
        if image := reuse.existing(digest, len(body), author, editable(request), visibility):
            tagging.tag(image, asked["tags"], author)
            return self.answer(image)
        image = uploads.receive(asked["filename"], body, author, visibility)

        def write() -> Response:
            _save(image, asked["tags"], author)
            return self.answer(image, digest)

        try:
            return with_answer(request, write)
        except Exception as error:
            # An object without a record is swept; a record without its object would be a loss.
            if not may_be_committed(error):
                storage.delete(image.key)
            raise

    def answer(self, image: Image, sha256: bytes = b"") -> Response:
        """The record as it now is; `sha256` is of the bytes that the caller sent for it."""
        # None of a file that somebody else may have sent.
        url = storage.presign_put_back(image.key, image.size, sha256) if sha256 else None
        return Response(one_record(image) | {"upload_url": url}, status=status.HTTP_201_CREATED)


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


@retried
def _save(image: Image, names: list[str], author: Author) -> None:
    uploads.save(image)
    tagging.tag_new(image, names, author)
