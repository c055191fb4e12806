"""Routes of /v1 that concern search."""

from django.urls import path

from search.v1.views import SearchViewSet

urlpatterns = [
    path("search/images", SearchViewSet.as_view({"get": "list"}), name="search-images"),
    path("search/images.ndjson", SearchViewSet.as_view({"get": "lines"})),
]
