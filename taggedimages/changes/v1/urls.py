"""Routes of /v1 that concern bulk changes."""

from django.urls import path

from taggedimages.changes.v1.views import ChangeViewSet, TagMergeViewSet

urlpatterns = [
    path("changes", ChangeViewSet.as_view({"get": "list", "post": "create"}), name="changes"),
    path(
        "changes/<str:id>",
        ChangeViewSet.as_view({"get": "retrieve", "delete": "destroy"}),
        name="change",
    ),
    path("changes/<str:id>/apply", ChangeViewSet.as_view({"post": "apply"})),
    path("changes/<str:id>/stop", ChangeViewSet.as_view({"post": "stop"})),
    path("changes/<str:id>/resume", ChangeViewSet.as_view({"post": "resume"})),
    path("changes/<str:id>/undo", ChangeViewSet.as_view({"post": "undo"})),
    path("changes/<str:id>/images", ChangeViewSet.as_view({"get": "images"})),
    path("changes/<str:id>/images.ndjson", ChangeViewSet.as_view({"get": "image_lines"})),
    path("tags/<str:id>/merge", TagMergeViewSet.as_view({"post": "create"})),
]
