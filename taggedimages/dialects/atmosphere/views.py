"""/api/v2 and /current/api/v2: images, image_tags, tags and tokens (contract Atmosphere)."""

from collections.abc import Set
from typing import Any

from django.db.models import Prefetch, QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import OpenApiParameter
from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from images import uploads
from images.models import Image
from images.querysets import ImageQuerySet
from images.visibility import Viewer
from taggedimages.dialects.atmosphere import references
from taggedimages.dialects.atmosphere.conventions import AtmosphereViewSet, Callers
from taggedimages.dialects.atmosphere.edits import SOURCE, check_editable, save
from taggedimages.dialects.atmosphere.filters import (
    ImageFilters,
    ImageTagFilters,
    TagFilters,
    includes_ended,
)
from taggedimages.dialects.atmosphere.inputs import (
    ImageEditSerializer,
    ImageTagInputSerializer,
    TagInputSerializer,
)
from taggedimages.dialects.atmosphere.schema import documented
from taggedimages.dialects.atmosphere.serializers import (
    DeployedImageSerializer,
    ImageSerializer,
    ImageTagSerializer,
    KeySerializer,
    TagSerializer,
    VersionSerializer,
)
from taggedimages.dialects.atmosphere.version import version
from taggedimages.http import page_size
from taggedimages.http.idempotency import keyed
from taggedimages.http.parsers import BoundedJSONParser
from taggedimages.identity.authentication import author_of
from taggedimages.identity.credentials import user_of_token
from taggedimages.identity.models import Token
from taggedimages.transactions import retried
from tags import alphabet, curation, rights, tagging
from tags.models import ImageTag, Tag, TagQuerySet

INCLUDE_ENDED = OpenApiParameter(
    "include_ended", bool, description="With `true`, ended images too: one's own; all to staff."
)

# Of an image, its creator and its facts, what a list shows: a hundred rows of all columns take
# longer to become records than to be found.
LISTED = (
    "uuid",
    "name",
    "description",
    "created_by__uuid",
    "created_by__username",
    "created_at",
    "ended_at",
    "visibility",
    "uploaded_at",
    "size",
    "filename",
    "facts__format",
)


class ImageParser(BoundedJSONParser):
    """Edits of images, whose tags are counted by TagSetField."""

    counting_fields = frozenset({"tags"})


class ImageViewSet(AtmosphereViewSet[Image]):
    """Images. They are made through the other APIs; here an end date deletes them."""

    parser_classes = (ImageParser, FormParser, MultiPartParser)
    filter_backends = (DjangoFilterBackend,)
    filterset_class = ImageFilters
    queryset = Image.objects.none()

    def narrowing(self) -> Set[str]:
        return super().narrowing() | {"include_ended"}

    def get_queryset(self) -> ImageQuerySet:
        images, user = Image.objects.all(), self.request.user
        ended = includes_ended(self.request)
        shown = images.include_ended(user) if ended else images.visible_to(user)
        # A list has a rule of its own for the links.
        return in_list(shown) if self.action == "list" else with_links(shown)

    def get_serializer_class(self) -> type[ImageSerializer]:
        return DeployedImageSerializer if self.mount.deployed else ImageSerializer

    @documented("Images, newest first", parameters=[INCLUDE_ENDED])
    def list(self, request: Request) -> Response:
        images = self.filter_queryset(self.get_queryset())
        page: Any = self.paginate_queryset(images)
        rows = self.rows_with_tags(page, page)
        page_size.fit(rows, [(row, "tags") for row in rows], [(row, "description") for row in rows])
        return self.get_paginated_response(rows)

    @documented("One image", parameters=[INCLUDE_ENDED])
    def retrieve(self, request: Request, id: str) -> Response:
        image = references.find(self.get_queryset(), id)
        if image.uploaded_at is None and uploads.try_to_confirm(image):
            image = references.find(self.get_queryset(), id)
        return self.shown(image)

    @documented("Edit an image", request=ImageEditSerializer, parameters=[INCLUDE_ENDED])
    def partial_update(self, request: Request, id: str) -> Response:
        return self.edit(id, partial=True)

    @documented("Edit an image, naming it", request=ImageEditSerializer, parameters=[INCLUDE_ENDED])
    def update(self, request: Request, id: str) -> Response:
        return self.edit(id, partial=False)

    @retried
    def edit(self, id: str, partial: bool) -> Response:
        """Make the edit in the body; answers the image even where that ended it."""
        image = self.locked(id)
        check_editable(image, self.request)
        self.check_unchanged(image)
        nameable = {"tag": shown_tags(self.request)}
        asked = ImageEditSerializer(data=self.request.data, partial=partial, context=nameable)
        asked.is_valid(raise_exception=True)
        if asked.validated_data:
            save(image, asked.changes(image), asked.validated_data.get("tags"), self.request)
        edited = with_links(Image.objects.filter(pk=image.pk)).get()
        return Response(self.get_serializer(edited).data)


class ImageTagViewSet(AtmosphereViewSet[ImageTag]):
    """Links between images that the caller may see and tags."""

    filter_backends = (DjangoFilterBackend,)
    filterset_class = ImageTagFilters
    serializer_class = ImageTagSerializer
    queryset = ImageTag.objects.none()
    # Links change under the lock of their image.
    locks = ("image",)

    def get_queryset(self) -> QuerySet[ImageTag]:
        links = ImageTag.objects.visible_to(self.request.user).order_by("id")
        links = links.select_related("image", "tag__user")
        if self.action == "list":
            return links
        return links.prefetch_related(Prefetch("image__imagetag_set", tagging.LINKS_OLDEST_FIRST))

    @documented("Links, oldest first")
    def list(self, request: Request) -> Response:
        page: Any = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        rows = self.rows_with_tags(page, [link.image for link in page])
        images = [row["image"] for row in rows]
        described = (*images, *(row["tag"] for row in rows))
        page_size.fit(
            rows, [(one, "tags") for one in images], [(one, "description") for one in described]
        )
        return self.get_paginated_response(rows)

    @documented("One link")
    def retrieve(self, request: Request, id: str) -> Response:
        return self.shown(references.find(self.get_queryset(), id))

    @documented(
        "Put a tag on an image",
        description="200 with the link that is there if the image has the tag already.",
        request=ImageTagInputSerializer,
        responses={200: ImageTagSerializer, 201: ImageTagSerializer},
    )
    @keyed()
    def create(self, request: Request) -> Response:
        nameable = {"image": Image.objects.visible_to(request.user), "tag": shown_tags(request)}
        asked = ImageTagInputSerializer(data=request.data, context=nameable)
        asked.is_valid(raise_exception=True)
        image, tag = asked.validated_data["image"], asked.validated_data["tag"]
        check_editable(image, request)
        try:
            link, is_new = tagging.link(image, tag, author_of(request, SOURCE))
            shown = self.get_serializer(self.get_queryset().get(pk=link.pk)).data
        except (Tag.DoesNotExist, ImageTag.DoesNotExist) as error:
            # It went meanwhile, and is refused as one that never was.
            asked = ImageTagInputSerializer(data=request.data, context=nameable)
            asked.is_valid(raise_exception=True)
            raise NotFound from error
        return Response(shown, status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)

    @documented("Take a tag off an image", responses={204: None})
    @retried
    def destroy(self, request: Request, id: str) -> Response:
        link = self.locked(id)
        check_editable(link.image, request)
        self.check_unchanged(link)
        if not tagging.untag(link.image, [link.tag_id], author_of(request, SOURCE)):
            raise NotFound
        return Response(status=status.HTTP_204_NO_CONTENT)


class StaffChangeTags(BasePermission):
    """Anybody who is logged in makes tags; staff change and delete them."""

    def has_permission(self, request: Request, view: Any) -> bool:
        changes = view.action in ("update", "partial_update", "destroy")
        return not changes or request.user.is_staff or request.user.is_superuser


class TagViewSet(AtmosphereViewSet[Tag]):
    """The vocabulary."""

    permission_classes = (Callers, StaffChangeTags)
    filter_backends = (DjangoFilterBackend,)
    filterset_class = TagFilters
    serializer_class = TagSerializer
    queryset = Tag.objects.none()

    def get_queryset(self) -> TagQuerySet:
        return shown_tags(self.request)

    @documented("Tags, oldest first")
    def list(self, request: Request) -> Response:
        tags: Any = alphabet.OldestFirst(Viewer.of(request.user))
        if "name" in request.query_params:
            tags = self.filter_queryset(self.get_queryset().order_by("id"))
        page: Any = self.paginate_queryset(tags)
        rows: Any = self.get_serializer(page, many=True).data
        page_size.fit(rows, [], [(row, "description") for row in rows])
        return self.get_paginated_response(rows)

    @documented("One tag")
    def retrieve(self, request: Request, id: str) -> Response:
        return self.shown(references.find(self.get_queryset(), id))

    @documented("Make a tag", request=TagInputSerializer, responses={201: TagSerializer})
    @keyed()
    def create(self, request: Request) -> Response:
        asked = TagInputSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        tag = curation.define(**asked.validated_data, by=author_of(request, SOURCE))
        return Response(self.get_serializer(tag).data, status=status.HTTP_201_CREATED)

    @documented("Change a tag on every image", request=TagInputSerializer)
    def update(self, request: Request, id: str) -> Response:
        return self.redefine(id, partial=False)

    @documented("Change some of a tag", request=TagInputSerializer)
    def partial_update(self, request: Request, id: str) -> Response:
        return self.redefine(id, partial=True)

    @documented("Delete a tag, never its images", responses={204: None})
    @retried
    def destroy(self, request: Request, id: str) -> Response:
        tag = self.locked(id)
        rights.check_change(tag, author_of(request, SOURCE))
        self.check_unchanged(tag)
        if not curation.delete(tag, author_of(request, SOURCE)):
            raise NotFound
        return Response(status=status.HTTP_204_NO_CONTENT)

    @retried
    def redefine(self, id: str, partial: bool) -> Response:
        """Make the change in the body."""
        tag = self.locked(id)
        self.check_unchanged(tag)
        asked = TagInputSerializer(tag, data=self.request.data, partial=partial)
        asked.is_valid(raise_exception=True)
        author = author_of(self.request, SOURCE)
        rights.check_change(tag, author, asked.validated_data.get("name"))
        redefined = curation.redefine(tag, author, **asked.validated_data)
        return Response(self.get_serializer(redefined).data)


class TokenViewSet(AtmosphereViewSet[Token]):
    """The caller's own tokens."""

    serializer_class = KeySerializer

    @documented("Whose a token of one's own is", responses=KeySerializer)
    def retrieve(self, request: Request, key: str) -> Response:
        if not request.user.is_authenticated:
            self.permission_denied(request)
        if user_of_token(key) != request.user:
            raise NotFound
        return Response({"key": key, "user": {"username": request.user.username}})


class VersionViewSet(AtmosphereViewSet[Image]):
    """Which program answers."""

    serializer_class = VersionSerializer

    @documented("Which state of the program answers", responses=VersionSerializer)
    def retrieve(self, request: Request) -> Response:
        return Response(version())


def with_facts(images: ImageQuerySet) -> ImageQuerySet:
    """The images with all that is shown of them but their links."""
    return images.select_related("created_by", "facts").defer("facts__exif", "facts__dicom")


def in_list(images: ImageQuerySet) -> ImageQuerySet:
    """The images with what a list shows of them, but for their tags."""
    return images.select_related("created_by", "facts").only(*LISTED)


def shown_tags(request: Request) -> TagQuerySet:
    """The tags that the caller is shown."""
    return Tag.objects.shown_to(Viewer.of(request.user))


def with_links(images: ImageQuerySet) -> ImageQuerySet:
    """The images with all that is shown of them, in as many statements for one as for many."""
    return with_facts(images).prefetch_related(Prefetch("imagetag_set", tagging.LINKS_OLDEST_FIRST))
