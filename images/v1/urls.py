"""Routes of /v1 that concern images."""

from django.urls import path

from images.v1.facts_views import FactsView, FileView, LookupView, SimilarView
from images.v1.part_views import PartListParser, PartsView
from images.v1.upload_views import StoreEventView, UploadView
from images.v1.views import ImageViewSet

urlpatterns = [
    path("images", ImageViewSet.as_view({"get": "list", "post": "create"}), name="images"),
    path("images.ndjson", ImageViewSet.as_view({"get": "lines"})),
    path("images/lookup", LookupView.as_view(), name="image-lookup"),
    path(
        "images/<str:id>",
        ImageViewSet.as_view({"get": "retrieve", "put": "update", "delete": "destroy"}),
        name="image",
    ),
    path(
        "images/<str:id>/complete",
        ImageViewSet.as_view({"post": "complete"}, parser_classes=(PartListParser,)),
    ),
    path("images/<str:id>/parts", PartsView.as_view()),
    path("images/<str:id>/file", FileView.as_view(), name="image-file"),
    path("images/<str:id>/history", ImageViewSet.as_view({"get": "history"})),
    path("images/<str:id>/facts", FactsView.as_view(), name="image-facts"),
    path("images/<str:id>/similar", SimilarView.as_view(), name="image-similar"),
    path("upload", UploadView.as_view(), name="upload"),
    path("hooks/s3", StoreEventView.as_view(), name="s3-events"),
]
