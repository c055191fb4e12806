"""/tag_images: the links between images and tags."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from images.models import Image
from taggedimages.dialects.sharinpix import reach, tag_inputs
from taggedimages.dialects.sharinpix.authentication import caller
from taggedimages.dialects.sharinpix.conventions import MAX_ROWS, SOURCE, SharinPixViewSet, rows
from taggedimages.dialects.sharinpix.openapi import IMAGE_IDS, IMAGE_IDS_BODY, documented
from taggedimages.dialects.sharinpix.parameters import Parameters
from taggedimages.dialects.sharinpix.serializers import TagImageSerializer
from taggedimages.dialects.sharinpix.text import uuid_in
from taggedimages.http.idempotency import keyed
from taggedimages.identity.authentication import author_of
from taggedimages.postgresql.text import is_storable
from taggedimages.transactions import TRIES
from tags import spelling, tagging
from tags.curation import establish_on
from tags.models import ImageTag, Tag


class TagImageViewSet(SharinPixViewSet):
    """Tags on images."""

    @documented(
        summary="The tag links in reach, oldest first",
        description=f"Filters are AND-ed; at most {MAX_ROWS} rows.",
        parameters=[
            IMAGE_IDS,
            OpenApiParameter("image_id", description="Of this image."),
            OpenApiParameter("tag_name", description="Of the tag of exactly this name."),
            OpenApiParameter("album_id", description="Of the images of this album."),
        ],
        responses=TagImageSerializer(many=True),
    )
    def list(self, request: Request) -> Response:
        given = Parameters(request).only("image_ids", "image_id", "tag_name", "album_id")
        few = given.ids("image_ids") is not None or "image_id" in given
        links = _filtered(reach.links(caller(request), few=few), given)
        return rows(TagImageSerializer, links[:MAX_ROWS])

    def shown_again(self, request: Request, made: Sequence[str], tag: str) -> Response:
        """The links that `create` answered, as far as they are there. Raises NotFound."""
        links = reach.links(caller(request), few=True).filter(uuid__in=made)
        if not links.exists():
            raise NotFound
        return rows(TagImageSerializer, links)

    @documented(
        summary="Put a tag on images",
        description=(
            "The tag is named by uuid or name and made when absent. Images that the caller may "
            "not tag are skipped. Links that exist come back as they are."
        ),
        request=IMAGE_IDS_BODY,
        responses={200: TagImageSerializer(many=True)},
    )
    @keyed(again=shown_again, made=lambda links: [link["id"] for link in links])
    def create(self, request: Request, tag: str) -> Response:
        ids = Parameters(request).ids("image_ids")
        if ids is None:
            raise ValidationError({"image_ids": "Missing."})
        images, found = _linked(request, tag, ids)
        links = ImageTag.objects.filter(tag=found, image__in=[image.pk for image in images])
        return rows(TagImageSerializer, reach.described(links))

    @documented(summary="Take a tag off an image", responses={204: None})
    def destroy(self, request: Request, id: str) -> Response:
        link = _link(request, id)
        tagging.untag(link.image, [link.tag_id], author_of(request, SOURCE))
        return Response(status=204)


def _linked(request: Request, named: str, ids: list[UUID]) -> tuple[list[Image], Tag]:
    """Put the tag of a path on images; both as they were then. Raises NotFound, PermissionDenied.

    A tag that is deleted at the same time is looked for again: by its name it is made anew.
    """
    by, author = caller(request), author_of(request, SOURCE)
    for _ in range(TRIES):
        found = tag_inputs.find(named, reach.tags(by)) or tag_inputs.draft(named, by)
        images = list(reach.images(by, _right_for(found)).filter(uuid__in=ids))
        if not images:
            raise PermissionDenied
        with suppress(Tag.DoesNotExist):
            if found.pk is None:
                return images, establish_on(images, [found], author)[0]
            tagging.tag_each(images, [found], author)
            return images, found
    raise NotFound


def _filtered(links: QuerySet[ImageTag], given: Parameters) -> QuerySet[ImageTag]:
    if (ids := given.ids("image_ids")) is not None:
        links = links.filter(image__uuid__in=ids)
    if "image_id" in given:
        uuid = uuid_in(str(given.value("image_id")).strip())
        links = links.filter(image__uuid=uuid) if uuid else links.none()
    if "album_id" in given:
        album = str(given.value("album_id"))
        links = links.filter(image__album_id=album) if is_storable(album) else links.none()
    if "tag_name" in given:
        name = str(given.value("tag_name"))
        # Looked up first: the database then knows how many links it has, and plans accordingly.
        tag = Tag.objects.filter(name=spelling.name(name)).first() if is_storable(name) else None
        links = links.filter(tag=tag) if tag else links.none()
    return links


def _link(request: Request, id: str) -> ImageTag:
    """The link with this id, if the caller may remove it. Raises NotFound, PermissionDenied."""
    uuid = uuid_in(id)
    links = ImageTag.objects.select_related("image", "tag")
    link = links.filter(uuid=uuid).first() if uuid else None
    if link is None:
        raise NotFound
    for right in {"image_tag", _right_for(link.tag)}:
        if reach.images(caller(request), right).filter(pk=link.image_id).exists():
            return link
    readable: Any = reach.images(caller(request)).filter(pk=link.image_id)
    raise PermissionDenied if readable.exists() else NotFound


def _right_for(tag: Tag) -> str:
    return "share" if tag.public else "image_tag"
