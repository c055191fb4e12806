"""What OpenStack clients ask first: versions of the two services, schemas of what is shown."""

from typing import Any

from django.http import HttpResponseRedirect
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from taggedimages.dialects.ims.conventions import ImsViewSet
from taggedimages.dialects.ims.records import FOREIGN_STATUSES, STATUSES
from taggedimages.dialects.ims.schema import documented

# Of Keystone's API: the first with application credentials is 3.10.
IDENTITY_VERSION, IDENTITY_UPDATED = "v3.10", "2018-02-28T00:00:00Z"
TEXT, TEXT_OR_NULL = {"type": "string"}, {"type": ["null", "string"]}
WHOLE, WHOLE_OR_NULL = {"type": "integer"}, {"type": ["null", "integer"]}
FLAG = {"type": "boolean"}


def _read_only(kind: dict[str, Any]) -> dict[str, Any]:
    return kind | {"readOnly": True}


# What can be changed, by a patch, is not `readOnly` (Glance's schema documents).
PROPERTIES: dict[str, Any] = {
    "id": _read_only(TEXT),
    "name": TEXT | {"maxLength": 255},
    "status": _read_only(TEXT | {"enum": sorted({*STATUSES, *FOREIGN_STATUSES})}),
    "tags": {"type": "array", "items": TEXT | {"maxLength": 255}},
    "size": _read_only(WHOLE),
    "created_at": _read_only(TEXT),
    "updated_at": _read_only(TEXT),
    "visibility": _read_only(TEXT | {"enum": ["public", "private"]}),
    "owner": _read_only(TEXT_OR_NULL),
    "checksum": _read_only(TEXT_OR_NULL | {"maxLength": 32}),
    "os_hash_algo": _read_only(TEXT_OR_NULL),
    "os_hash_value": _read_only(TEXT_OR_NULL | {"maxLength": 64}),
    "min_disk": _read_only(WHOLE),
    "min_ram": _read_only(WHOLE),
    "protected": _read_only(FLAG),
    "os_hidden": _read_only(FLAG),
    "disk_format": _read_only(TEXT_OR_NULL),
    "container_format": _read_only(TEXT_OR_NULL),
    "virtual_size": _read_only(WHOLE_OR_NULL),
    "self": _read_only(TEXT),
    "file": _read_only(TEXT),
    "schema": _read_only(TEXT),
}
IMAGE: dict[str, Any] = {
    "name": "image",
    "properties": PROPERTIES,
    "additionalProperties": False,
    "links": [
        {"rel": "self", "href": "{self}"},
        {"rel": "enclosure", "href": "{file}"},
        {"rel": "describedby", "href": "{schema}"},
    ],
}
IMAGES: dict[str, Any] = {
    "name": "images",
    "properties": {
        "images": {"type": "array", "items": IMAGE},
        "next": TEXT,
    },
    "links": [{"rel": "next", "href": "{next}"}],
}


# Of members, of whom there are none, and of Glance's catalogue of metadata definitions.
NOT_HERE = ("member", "members", "metadefs/namespace", "metadefs/resource_type")


class LinkSerializer(serializers.Serializer[Any]):
    """An address."""

    rel = serializers.CharField()
    href = serializers.URLField()


class VersionSerializer(serializers.Serializer[Any]):
    """One version and where it is."""

    id = serializers.CharField()
    status = serializers.CharField()
    links = LinkSerializer(many=True)


class VersionsSerializer(serializers.Serializer[Any]):
    """The versions of this API."""

    versions = VersionSerializer(many=True)


class IdentityVersionSerializer(serializers.Serializer[Any]):
    """The version of the part that logs in."""

    version = VersionSerializer()


class OpenViewSet(ImsViewSet):
    """What everybody is told."""

    authentication_classes = ()
    permission_classes = ()


class VersionViewSet(OpenViewSet):
    """The versions of this API, for everybody."""

    @documented(exclude=True)
    def index(self, request: Request) -> Response:
        return Response({"versions": [_images(request)]}, status=300)

    @documented(
        summary="The versions of this API",
        operation_id="list_versions",
        responses={300: VersionsSerializer},
        auth=[],
    )
    def without_slash(self, request: Request) -> Response:
        """The same again: clients cut the slash off."""
        return self.index(request)

    @documented(
        summary="The versions of this API, as Glance has them",
        responses=VersionsSerializer,
        auth=[],
    )
    def known(self, request: Request) -> Response:
        return Response({"versions": [_images(request)]})

    @documented(exclude=True)
    def at_root(self, request: Request) -> HttpResponseBase:
        """For programs, both services that are here; people are sent to the documentation."""
        if "text/html" in request.headers.get("Accept", ""):
            return HttpResponseRedirect("/docs")
        return Response({"versions": [_images(request), _identity(request)]}, status=300)

    @documented(exclude=True)
    def identity(self, request: Request) -> Response:
        return Response({"version": _identity(request)})

    @documented(
        summary="The version of the part that logs in",
        operation_id="retrieve_identity_version",
        responses=IdentityVersionSerializer,
        auth=[],
    )
    def identity_without_slash(self, request: Request) -> Response:
        """The same again."""
        return self.identity(request)


class SchemaViewSet(OpenViewSet):
    """JSON schemas, by which clients know what an image has."""

    @documented(
        summary="The JSON schema of an image", responses={200: OpenApiTypes.OBJECT}, auth=[]
    )
    def image(self, request: Request) -> Response:
        return Response(IMAGE)

    @documented(
        summary="The JSON schema of a page of images", responses={200: OpenApiTypes.OBJECT}, auth=[]
    )
    def images(self, request: Request) -> Response:
        return Response(IMAGES)

    @documented(
        summary="The JSON schema of what is not here",
        description="Glance's clients ask for these with that of an image.",
        responses={200: OpenApiTypes.OBJECT},
        auth=[],
    )
    def of_nothing(self, request: Request, kind: str) -> Response:
        if kind not in NOT_HERE:
            raise NotFound
        return Response(
            {"name": kind.rpartition("/")[2], "properties": {}, "additionalProperties": False}
        )


def _images(request: Request) -> dict[str, Any]:
    link = {"rel": "self", "href": request.build_absolute_uri("/v2/")}
    return {"id": "v2.0", "status": "CURRENT", "links": [link]}


def _identity(request: Request) -> dict[str, Any]:
    return {
        "id": IDENTITY_VERSION,
        "status": "stable",
        "updated": IDENTITY_UPDATED,
        "links": [{"rel": "self", "href": request.build_absolute_uri("/v3/")}],
        "media-types": [
            {
                "base": "application/json",
                "type": "application/vnd.openstack.identity-v3+json",
            }
        ],
    }
