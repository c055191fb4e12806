"""/images, /albums, /search and /trashed_images."""

from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from images import deletion, editing
from images.models import Image
from taggedimages.dialects.sharinpix import reach
from taggedimages.dialects.sharinpix.authentication import caller
from taggedimages.dialects.sharinpix.caller import READ_RIGHT
from taggedimages.dialects.sharinpix.conventions import MAX_ROWS, SharinPixViewSet, rows
from taggedimages.dialects.sharinpix.openapi import (
    DELETED,
    IMAGE_BODY,
    IMAGE_IDS,
    IMAGE_USER,
    documented,
)
from taggedimages.dialects.sharinpix.parameters import Parameters
from taggedimages.dialects.sharinpix.serializers import ImageSerializer, TrashedImageSerializer
from taggedimages.dialects.sharinpix.text import uuid_in
from taggedimages.http.rate_limits import limit
from taggedimages.identity.rate_limits import Kind
from taggedimages.postgresql.text import is_storable

# Which right it takes to change a field.
RIGHTS = {
    "title": "image_caption",
    "description": "image_caption",
    "rotation": "image_rotate",
    "crop_x": "image_crop",
    "crop_y": "image_crop",
    "crop_w": "image_crop",
    "crop_h": "image_crop",
}


class ImageViewSet(SharinPixViewSet):
    """Images."""

    @documented(summary="One image", responses=ImageSerializer)
    def retrieve(self, request: Request, id: str) -> Response:
        return Response(ImageSerializer(self.image(id)).data)

    @documented(
        summary="Change what is said of an image and how it is shown",
        request=IMAGE_BODY,
        responses=ImageSerializer,
    )
    def update(self, request: Request, id: str) -> Response:
        changes = _changes(Parameters(request))
        image = self.image(id, *{RIGHTS[name] for name in changes})
        if changes:
            editing.edit(image, changes)
            image.refresh_from_db(fields=[*changes, "updated_at"])
        return Response(ImageSerializer(image).data)

    @documented(summary="Move an image to the trash", responses={204: None})
    def destroy(self, request: Request, id: str) -> Response:
        if not deletion.trash(self.image(id, "image_delete")):
            raise NotFound
        return Response(status=204)

    @documented(
        summary="Move images to the trash",
        description="Those that the caller may not delete are skipped. A body may hold the ids.",
        parameters=[IMAGE_IDS],
        responses=DELETED,
    )
    def destroy_many(self, request: Request) -> Response:
        ids = Parameters(request).ids("image_ids")
        if ids is None:
            raise ValidationError({"image_ids": "Missing."})
        held = reach.images(caller(request), "image_delete").filter(uuid__in=ids)
        images = {image.uuid: image for image in held}
        if not images and reach.images(caller(request)).filter(uuid__in=ids).exists():
            raise PermissionDenied
        deletion.trash(*images.values())
        return Response([str(uuid) for uuid in ids if uuid in images])

    @documented(summary="Who uploaded an image", responses=IMAGE_USER)
    def uploader(self, request: Request, id: str) -> Response:
        user = self.image(id).created_by
        if user is None:
            raise NotFound
        return Response({"id": str(user.uuid), "name": user.username, "email": user.email or None})

    @documented(
        summary="The images of an album, newest first",
        description=f"None without the right to read them. At most {MAX_ROWS} rows.",
        responses=ImageSerializer(many=True),
    )
    def of_album(self, request: Request, album: str) -> Response:
        Parameters(request).only()
        images = reach.images(caller(request))
        held = images.filter(album_id=album) if is_storable(album) else images.none()
        return rows(ImageSerializer, held.newest_first()[:MAX_ROWS])

    @documented(
        summary="The images that match a query, newest first",
        description=f"Without `q`, those of the token's own. At most {MAX_ROWS} rows.",
        parameters=[OpenApiParameter("q", description="Words and field:value, OR-ed; * is all.")],
        responses=ImageSerializer(many=True),
    )
    def search(self, request: Request) -> Response:
        asked = Parameters(request).only("q").text("q")
        if asked:
            limit(request, Kind.SEARCHES)
        return rows(ImageSerializer, reach.found(caller(request), words=asked or "")[:MAX_ROWS])

    def image(self, id: str, *rights: str) -> Image:
        """The image with this id, if the caller has all these rights, or else may read it.

        Raises NotFound, PermissionDenied.
        """
        readable = reach.images(caller(self.request))
        if not rights:
            return reach.one(readable, readable, uuid_in(id))
        held = [reach.images(caller(self.request), right) for right in sorted(rights)]
        return [reach.one(images, readable, uuid_in(id)) for images in held][-1]


class TrashViewSet(SharinPixViewSet):
    """The trash."""

    @documented(
        summary="The images in the trash, latest first",
        description=f"At most {MAX_ROWS} rows.",
        responses=TrashedImageSerializer(many=True),
    )
    def list(self, request: Request) -> Response:
        Parameters(request).only()
        images = reach.trashed(caller(request)).order_by("-ended_at", "-id")[:MAX_ROWS]
        return rows(TrashedImageSerializer, images)

    @documented(summary="Take an image out of the trash", responses=ImageSerializer)
    def restore(self, request: Request, id: str) -> Response:
        held, readable = reach.trashed(caller(request)), reach.trashed(caller(request), READ_RIGHT)
        image = reach.one(held, readable, uuid_in(id))
        if not deletion.restore(image):
            raise NotFound
        image.refresh_from_db()
        return Response(ImageSerializer(image).data)


def _changes(given: Parameters) -> editing.Changes:
    """What the parameters change. Raises ValidationError."""
    changes: editing.Changes = {}
    if "title" in given:
        changes["title"] = given.text("title")
    if "description" in given:
        most = editing.MAX_DESCRIPTION_CHARACTERS
        changes["description"] = given.text("description", most) or ""
    rotation = given.number("rotation")
    if rotation is not None:
        if rotation not in (0, 90, 180, 270):
            raise ValidationError({"rotation": "Not 0, 90, 180 or 270."})
        changes["rotation"] = int(rotation)
    for name in ("crop_x", "crop_y", "crop_w", "crop_h"):
        number = given.number(name)
        if number is not None:
            if number < 0:
                raise ValidationError({name: "Below zero."})
            changes[name] = number
    return changes
