"""/storages, /storage_files and /token: what a client needs in order to upload by itself."""

from operator import itemgetter

from rest_framework.exceptions import NotFound, ParseError, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from images import keys, quotas, staged_uploads, storage, uploads
from images.models import Image
from taggedimages.dialects.sharinpix import grants, reach
from taggedimages.dialects.sharinpix.authentication import caller
from taggedimages.dialects.sharinpix.caller import READ_RIGHT, Labels
from taggedimages.dialects.sharinpix.conventions import SOURCE, SharinPixViewSet
from taggedimages.dialects.sharinpix.infos import NotAnAnswer, key_in
from taggedimages.dialects.sharinpix.openapi import (
    ANNOUNCED,
    CLAIMED,
    FILE_BODY,
    INFOS_BODY,
    PERMISSION_BODY,
    TOKEN_RESPONSE,
    documented,
)
from taggedimages.dialects.sharinpix.parameters import Parameters
from taggedimages.dialects.sharinpix.serializers import ImageSerializer
from taggedimages.dialects.sharinpix.tag_inputs import labelled
from taggedimages.dialects.sharinpix.text import uuid_in
from taggedimages.http.idempotency import keyed
from taggedimages.http.rate_limits import limited
from taggedimages.identity.authentication import author_of
from taggedimages.identity.rate_limits import Kind
from tags import restriction
from tags.curation import establish_on


class StorageFileViewSet(SharinPixViewSet):
    """Files that the client sends to the store itself."""

    def announced_again(self, request: Request, made: str, storage_id: str) -> Response:
        """What `create` answered, with a new form. Raises NotFound."""
        image = Image.objects.filter(uuid=made, deleted_at=None).first()
        seconds = uploads.seconds_left(image) if image else 0
        if image is None or seconds < 1:
            raise NotFound
        size, media_type = _told(Parameters(request))
        return Response(_announced(image, size, media_type, seconds))

    @documented(
        summary="Announce a file and get a form to POST it to the store",
        request=FILE_BODY,
        responses=ANNOUNCED,
    )
    @limited(Kind.UPLOADS)
    @keyed(again=announced_again, made=itemgetter("id"))
    def create(self, request: Request, storage_id: str) -> Response:
        given = Parameters(request)
        album_id, name = given.required("album_id"), given.required("name")
        size, media_type = _told(given)
        if not caller(request).may_in("image_upload", album_id):
            raise PermissionDenied
        restriction.check(caller(request).auto_tags, author_of(request, SOURCE))
        try:
            image = staged_uploads.announce(name, size, album_id, author_of(request, SOURCE))
        except quotas.QuotaExceeded as error:
            raise ValidationError(str(error)) from error
        return Response(_announced(image, size, media_type))

    @documented(
        summary="Say that the file was sent, and get its image",
        description="`infos` is the XML that the store answered; it may also be the raw body.",
        request=INFOS_BODY,
        responses=CLAIMED,
    )
    def update(self, request: Request, id: str) -> Response:
        held, readable = (
            reach.claimable(caller(request)),
            reach.claimable(caller(request), READ_RIGHT),
        )
        image = reach.one(held, readable, uuid_in(id))
        if _named_key(request) != keys.upload_key(image.key):
            raise ValidationError({"infos": "Names another file."})
        restriction.check(caller(request).auto_tags, author_of(request, SOURCE))
        image = staged_uploads.claim(image)
        self.tag(image, request)
        return Response(_answer(image) | {"image": ImageSerializer(image).data})

    def tag(self, image: Image, request: Request) -> None:
        """Link the tags that the token puts on all that is uploaded with it."""
        by = caller(request)
        drafts = [labelled(name, by.named_tags.get(name, Labels())) for name in by.auto_tags]
        if drafts:
            establish_on([image], drafts, author_of(request, SOURCE))


class TokenViewSet(SharinPixViewSet):
    """Tokens for others."""

    @documented(
        summary="Sign claims that reach no further than the caller's",
        request=PERMISSION_BODY,
        responses=TOKEN_RESPONSE,
    )
    def create(self, request: Request) -> Response:
        permission = Parameters(request).json("permission")
        if permission is None:
            raise ValidationError({"permission": "Missing."})
        token = grants.token(caller(request), permission)
        return Response({"token": token, "endpoint": request.build_absolute_uri("/api/v1")})


def _told(given: Parameters) -> tuple[int | None, str]:
    """Size and type of the file. Raises ValidationError."""
    return given.size("size"), _media_type(given.text("type") or "")


def _announced(
    image: Image, size: int | None, media_type: str, seconds: int | None = None
) -> dict[str, object]:
    """An announced file, and the form that takes it."""
    key = keys.upload_key(image.key)
    url, fields = storage.presign_post(key, media_type, size, seconds)
    return _answer(image) | {"upload_parameters": {"method": "POST", "url": url, "fields": fields}}


def _answer(image: Image) -> dict[str, object]:
    return {"id": str(image.uuid), "organization_id": image.project_id}


def _media_type(given: str) -> str:
    """What the store may call the file: an image, or nothing that a browser would run."""
    given = given.strip().lower()
    is_image = given.startswith("image/") and given.isascii() and given.isprintable()
    return given if is_image and "svg" not in given else "application/octet-stream"


def _named_key(request: Request) -> str:
    body = request.body.strip()
    try:
        if body.removeprefix(b"\xef\xbb\xbf").startswith(b"<"):
            return key_in(body)
        infos = Parameters(request).value("infos")
        if not isinstance(infos, str):
            raise ParseError("infos is missing.")
        return key_in(infos.strip())
    except NotAnAnswer as error:
        raise ParseError(str(error)) from error
