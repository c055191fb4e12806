"""/image_versions: as the last server had versions of an image; here each has one, which is read.

It has the ids of its image, and is shown to whom that is.
"""

from typing import Any

from django.db.models import Prefetch
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from images import uploads
from images.models import Image
from images.querysets import ImageQuerySet
from taggedimages.dialects.atmosphere import references
from taggedimages.dialects.atmosphere.conventions import AtmosphereViewSet
from taggedimages.dialects.atmosphere.filters import ImageVersionFilters
from taggedimages.dialects.atmosphere.schema import documented
from taggedimages.dialects.atmosphere.serializers import (
    PROVIDER,
    LinkedImageSerializer,
    MomentField,
    UserSerializer,
    moment,
    user_in_short,
)
from taggedimages.http import page_size
from taggedimages.http.rows import RowSerializer
from tags import tagging

NAME = "1.0"


class MachineSerializer(serializers.Serializer[Any]):
    """A stored file."""

    class ProviderSerializer(serializers.Serializer[Any]):
        """Where it is stored."""

        id = serializers.IntegerField()
        name = serializers.CharField()

    id = serializers.IntegerField()
    uuid = serializers.UUIDField()
    provider = ProviderSerializer()
    start_date = MomentField()
    end_date = MomentField(allow_null=True)


class ImageVersionSerializer(RowSerializer[Image]):
    """The version of an image."""

    id = serializers.IntegerField()
    uuid = serializers.UUIDField()
    url = serializers.SerializerMethodField()
    parent = serializers.SerializerMethodField()  # type: ignore[assignment]
    name = serializers.SerializerMethodField()
    change_log = serializers.SerializerMethodField()
    image = LinkedImageSerializer(source="*")
    machines = serializers.SerializerMethodField(help_text="Stored files; [] before upload.")
    allow_imaging = serializers.SerializerMethodField()
    licenses = serializers.SerializerMethodField()
    membership = serializers.SerializerMethodField()
    min_mem = serializers.SerializerMethodField()
    min_cpu = serializers.SerializerMethodField()
    scripts = serializers.SerializerMethodField()
    user = serializers.SerializerMethodField()
    start_date = MomentField(source="created_at")
    end_date = MomentField(source="ended_at", allow_null=True)

    def get_url(self, image: Image) -> str:
        link: str = self.context["mount"].link("image_versions", image.pk)
        return link

    def get_parent(self, image: Image) -> str | None:
        return None

    def get_name(self, image: Image) -> str:
        return NAME

    def get_change_log(self, image: Image) -> str:
        return ""

    @extend_schema_field(MachineSerializer(many=True))
    def get_machines(self, image: Image) -> list[dict[str, Any]]:
        if image.uploaded_at is None:
            return []
        arrived = moment(image.uploaded_at)
        file = {"id": image.pk, "uuid": str(image.uuid), "start_date": arrived, "end_date": None}
        return [file | {"provider": {"id": 1, "name": PROVIDER}}]

    def get_allow_imaging(self, image: Image) -> bool:
        return False

    def get_licenses(self, image: Image) -> list[str]:
        return []

    get_membership = get_scripts = get_licenses

    def get_min_mem(self, image: Image) -> int:
        return 0

    get_min_cpu = get_min_mem

    @extend_schema_field(UserSerializer)
    def get_user(self, image: Image) -> dict[str, Any]:
        return user_in_short(image.created_by, self.context["mount"])


class ImageVersionViewSet(AtmosphereViewSet[Image]):
    """Versions of images, in one shape under both mounts."""

    filter_backends = (DjangoFilterBackend,)
    filterset_class = ImageVersionFilters
    serializer_class = ImageVersionSerializer
    queryset = Image.objects.none()

    def get_queryset(self) -> ImageQuerySet:
        images = Image.objects.visible_to(self.request.user).select_related("created_by")
        if self.action == "list":
            return images
        return images.prefetch_related(Prefetch("imagetag_set", tagging.LINKS_OLDEST_FIRST))

    @documented("Versions of images, those of the newest images first")
    def list(self, request: Request) -> Response:
        page: Any = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        rows = self.rows_with_tags(page, page)
        images = [row["image"] for row in rows]
        page_size.fit(
            rows, [(one, "tags") for one in images], [(one, "description") for one in images]
        )
        return self.get_paginated_response(rows)

    @documented("The version of an image, by either id of it")
    def retrieve(self, request: Request, id: str) -> Response:
        image = references.find(self.get_queryset(), id)
        if image.uploaded_at is None and uploads.try_to_confirm(image):
            image = references.find(self.get_queryset(), id)
        return self.shown(image)
