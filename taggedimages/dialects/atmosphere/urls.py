"""Routes of this API, below either of its mounts."""

from django.urls import path

from taggedimages.dialects.atmosphere import views
from taggedimages.dialects.atmosphere.image_versions import ImageVersionViewSet
from taggedimages.http.docs import document

images = views.ImageViewSet.as_view({"get": "list"})
image = views.ImageViewSet.as_view(
    {"get": "retrieve", "put": "update", "patch": "partial_update"},
)
image_tags = views.ImageTagViewSet.as_view({"get": "list", "post": "create"})
image_tag = views.ImageTagViewSet.as_view({"get": "retrieve", "delete": "destroy"})
tags = views.TagViewSet.as_view({"get": "list", "post": "create"})
tag = views.TagViewSet.as_view(
    {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"},
)
image_versions = ImageVersionViewSet.as_view({"get": "list"})
image_version = ImageVersionViewSet.as_view({"get": "retrieve"})

urlpatterns = [
    path("openapi.json", document),
    path("images", images),
    path("images/<str:id>", image),
    path("image_tags", image_tags),
    path("image_tags/<str:id>", image_tag),
    path("tags", tags),
    path("tags/<str:id>", tag),
    path("image_versions", image_versions),
    path("image_versions/<str:id>", image_version),
    path("version", views.VersionViewSet.as_view({"get": "retrieve"})),
    path("tokens/<str:key>", views.TokenViewSet.as_view({"get": "retrieve"})),
]
