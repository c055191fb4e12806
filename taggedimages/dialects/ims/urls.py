"""Routes of this API, from the root: literal ones first, for a project may be named like one."""

from django.urls import path, register_converter
from django.urls.converters import PathConverter

from taggedimages.dialects.ims.discovery import SchemaViewSet, VersionViewSet
from taggedimages.dialects.ims.image_views import ImageViewSet, ResourceViewSet
from taggedimages.dialects.ims.keystone import ScopeViewSet, TokenViewSet
from taggedimages.dialects.ims.patches import MEDIA_TYPES
from taggedimages.dialects.ims.views import (
    CloudTagViewSet,
    ImageTagViewSet,
    OpenStackTagViewSet,
    ProjectTagViewSet,
)
from taggedimages.http.docs import document


class AnythingConverter(PathConverter):
    """Slashes and line ends too: a key that another API made may hold them."""

    # In words that ECMA's regular expressions have too, for the OpenAPI document shows it.
    regex = r"[\s\S]+"


register_converter(AnythingConverter, "anything")

images = ImageViewSet.as_view({"get": "index"})
tokens = TokenViewSet.as_view({"get": "validate", "post": "create"})
urlpatterns = [
    path("", VersionViewSet.as_view({"get": "at_root"})),
    path("v2", VersionViewSet.as_view({"get": "without_slash"})),
    path("v2/", VersionViewSet.as_view({"get": "index"})),
    path("v2/openapi.json", document),
    path("versions", VersionViewSet.as_view({"get": "known"})),
    path("v2/schemas/image", SchemaViewSet.as_view({"get": "image"})),
    path("v2/schemas/images", SchemaViewSet.as_view({"get": "images"})),
    path(
        "v2/schemas/<path:kind>",
        SchemaViewSet.as_view({"get": "of_nothing"}),
    ),
    path("v3", VersionViewSet.as_view({"get": "identity_without_slash"})),
    path("v3/", VersionViewSet.as_view({"get": "identity"})),
    path("v3/auth/tokens", tokens),
    path("v3/auth/catalog", ScopeViewSet.as_view({"get": "catalog"})),
    path("v3/auth/projects", ScopeViewSet.as_view({"get": "projects"})),
    path("v3/projects", ScopeViewSet.as_view({"get": "projects"})),
    path("v3/projects/<str:project_id>", ScopeViewSet.as_view({"get": "project"})),
    path("v2/cloudimages", images),
    path("v2/images", images),
    path(
        "v2/cloudimages/<str:image_id>",
        ImageViewSet.as_view({"patch": "change"}),
        {"media_types": (*MEDIA_TYPES, "application/json")},
    ),
    path("v2/images/<str:image_id>", ImageViewSet.as_view({"get": "retrieve", "patch": "change"})),
    path("v2/images/<str:image_id>/file", ImageViewSet.as_view({"get": "file"})),
    path("v2/images/<str:image_id>/members", ImageViewSet.as_view({"get": "members"})),
    path(
        "v2/images/<str:image_id>/tags/<anything:tag>",
        OpenStackTagViewSet.as_view({"put": "add", "delete": "remove"}),
    ),
    path("v2/<str:project_id>/images/tags", ProjectTagViewSet.as_view({"get": "index"})),
    path(
        "v2/<str:project_id>/images/resource_instances/action",
        ResourceViewSet.as_view({"post": "act"}),
    ),
    path(
        "v2/<str:project_id>/images/<str:image_id>/tags",
        ImageTagViewSet.as_view({"get": "index", "post": "add"}),
    ),
    # A key may be called `action` too.
    path(
        "v2/<str:project_id>/images/<str:image_id>/tags/action",
        ImageTagViewSet.as_view({"post": "batch", "delete": "remove"}),
        {"key": "action"},
    ),
    path(
        "v2/<str:project_id>/images/<str:image_id>/tags/<anything:key>",
        ImageTagViewSet.as_view({"delete": "remove"}),
    ),
    path("v1/cloudimages/tags", CloudTagViewSet.as_view({"get": "index", "put": "add"})),
    path(
        "v1/<str:project_id>/cloudimages/<str:image_id>/tags/delete",
        ImageTagViewSet.as_view({"delete": "remove_several"}),
    ),
]
