"""/tags: the vocabulary."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from images.models import Image
from images.visibility import Viewer, Visibility
from taggedimages.dialects.sharinpix import reach, tag_inputs
from taggedimages.dialects.sharinpix.authentication import OpenPage, caller
from taggedimages.dialects.sharinpix.conventions import MAX_ROWS, SOURCE, SharinPixViewSet, rows
from taggedimages.dialects.sharinpix.openapi import TAG_BODY, documented
from taggedimages.dialects.sharinpix.parameters import Parameters
from taggedimages.dialects.sharinpix.serializers import (
    PublicImageSerializer,
    SuggestedTagSerializer,
    TagSerializer,
)
from taggedimages.http.rate_limits import limit
from taggedimages.identity.authentication import author_of
from taggedimages.identity.rate_limits import Kind
from tags import rights
from tags.completion import FLAGS, completions
from tags.curation import describe, establish
from tags.models import Tag

SUGGESTIONS = 100


class TagViewSet(SharinPixViewSet):
    """Tags."""

    @documented(
        summary="The tags, oldest first",
        description=f"Those that the token names are made when absent. At most {MAX_ROWS} rows.",
        parameters=[OpenApiParameter(name, bool) for name in FLAGS],
        responses=TagSerializer(many=True),
    )
    def list(self, request: Request) -> Response:
        given = Parameters(request).only(*FLAGS)
        flags = {name: given.flag(name) for name in FLAGS if name in given}
        tag_inputs.named_by(caller(request))
        tags = reach.tags(caller(request)).order_by("created_at", "id")
        return rows(TagSerializer, tags.filter(**flags)[:MAX_ROWS])

    @documented(
        summary="The tags that the token names, made when absent",
        responses=TagSerializer(many=True),
    )
    def of_token(self, request: Request) -> Response:
        Parameters(request).only()
        return rows(TagSerializer, tag_inputs.named_by(caller(request)))

    @documented(
        summary="Create a tag",
        description="A name that exists gives the tag that has it. A public tag gets a slug.",
        request=TAG_BODY,
        responses={200: TagSerializer},
    )
    def create(self, request: Request) -> Response:
        if not caller(request).may_create_tags:
            raise PermissionDenied
        draft = tag_inputs.drafted_by(Parameters(request))
        tag = establish([draft], author_of(request, SOURCE))[0]
        return Response(TagSerializer(tag).data)

    @documented(summary="Change a tag", request=TAG_BODY, responses=TagSerializer)
    def update(self, request: Request, id: str) -> Response:
        tag, given = tag_inputs.get(id, reach.tags(caller(request))), Parameters(request)
        changes = tag_inputs.changes_in(given)
        _check_update(request, tag, changes.get("public", tag.public))
        name = given.required("name") if "name" in given else None
        author = author_of(request, SOURCE)
        rights.check_change(tag, author, name)
        return Response(TagSerializer(describe(tag, name, changes, author)).data)

    @documented(
        summary="Complete a tag's name",
        parameters=[
            OpenApiParameter("q", description="Anywhere in the name, in any case."),
            OpenApiParameter("filters", description='JSON, such as {"listed": true}.'),
        ],
        responses=SuggestedTagSerializer(many=True),
    )
    def autocomplete(self, request: Request) -> Response:
        given = Parameters(request).only("q", "filters")
        flags = _flags(given.json("filters") or {})
        asked = given.text("q")
        if asked:
            limit(request, Kind.SEARCHES)
        found = completions(reach.tags(caller(request)), asked or "", SUGGESTIONS, flags)
        return rows(SuggestedTagSerializer, found)


class PublicTagViewSet(SharinPixViewSet):
    """What a public tag shows to whoever has the link."""

    permission_classes = (OpenPage,)

    @documented(
        summary="The images with a public tag, newest first; needs no token",
        auth=[],
        responses=PublicImageSerializer(many=True),
    )
    def list(self, request: Request, id: str) -> Response:
        Parameters(request).only()
        tag = tag_inputs.get(id, Tag.objects.filter(public=True))
        # Whoever put the tag on an image could show it to everybody, unless it is private.
        tagged = Image.objects.current().uploaded().filter(imagetag__tag=tag)
        images = tagged.exclude(visibility=Visibility.PRIVATE)
        shown = list(images.select_related("facts").newest_first()[:MAX_ROWS])
        if not shown:
            # Where there is nothing to see, a tag that only hidden images have is as good as none.
            tag_inputs.get(id, Tag.objects.shown_to(Viewer.of(None)))
        return rows(PublicImageSerializer, shown, allow_download=tag.allow_download)


def _flags(filters: dict[str, Any]) -> dict[str, bool]:
    """What tags must be, or not. Raises ValidationError."""
    for name, wanted in filters.items():
        if name not in FLAGS or not isinstance(wanted, bool):
            known = ", ".join(FLAGS)
            raise ValidationError({"filters": f"Of {known} each can be true or false."})
    return filters


def _check_update(request: Request, tag: Tag, public: bool) -> None:
    """Publishing shows images to everybody, which is a right of its own."""
    allowed = caller(request).creates_tags or caller(request).unrestricted
    if public != tag.public:
        allowed = allowed and caller(request).may_somewhere("share")
    if not allowed:
        raise PermissionDenied
