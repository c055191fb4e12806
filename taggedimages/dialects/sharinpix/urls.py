"""Routes of this API."""

from django.urls import path

from taggedimages.dialects.sharinpix.views.images import ImageViewSet, TrashViewSet
from taggedimages.dialects.sharinpix.views.tag_images import TagImageViewSet
from taggedimages.dialects.sharinpix.views.tags import PublicTagViewSet, TagViewSet
from taggedimages.dialects.sharinpix.views.uploads import StorageFileViewSet, TokenViewSet
from taggedimages.http.docs import document

urlpatterns = [
    path("openapi.json", document),
    path("tag_images", TagImageViewSet.as_view({"get": "list"})),
    path("tag_images/<str:id>", TagImageViewSet.as_view({"delete": "destroy"})),
    path("tags", TagViewSet.as_view({"get": "list", "post": "create"})),
    path("tags_token", TagViewSet.as_view({"get": "of_token"})),
    path("tags/autocomplete", TagViewSet.as_view({"get": "autocomplete"})),
    # Names may hold slashes.
    path("tags/<path:tag>/tag_images", TagImageViewSet.as_view({"post": "create"})),
    path("tags/<path:id>/public_tags", PublicTagViewSet.as_view({"get": "list"})),
    path("tags/<path:id>", TagViewSet.as_view({"put": "update"})),
    path("albums/<path:album>/images", ImageViewSet.as_view({"get": "of_album"})),
    path("images", ImageViewSet.as_view({"delete": "destroy_many"})),
    path(
        "images/<str:id>",
        ImageViewSet.as_view({"get": "retrieve", "put": "update", "delete": "destroy"}),
    ),
    path("images/<str:id>/user", ImageViewSet.as_view({"get": "uploader"})),
    path("search", ImageViewSet.as_view({"get": "search"})),
    path("trashed_images", TrashViewSet.as_view({"get": "list"})),
    path("trashed_images/<str:id>", TrashViewSet.as_view({"delete": "restore"})),
    path("storages/<str:storage_id>/storage_files", StorageFileViewSet.as_view({"post": "create"})),
    path("storage_files/<str:id>", StorageFileViewSet.as_view({"put": "update"})),
    path("token", TokenViewSet.as_view({"post": "create"})),
]
