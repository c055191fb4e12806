"""Routes of /v1 that concern tags."""

from django.urls import path

from tags.v1.finding_views import TagFindingViewSet
from tags.v1.rule_views import TagRuleViewSet
from tags.v1.views import TagViewSet

urlpatterns = [
    path("tags", TagViewSet.as_view({"get": "list", "post": "create"}), name="tags"),
    path("tags/suggest", TagFindingViewSet.as_view({"get": "suggest"})),
    path(
        "tags/<str:id>",
        TagViewSet.as_view({"get": "retrieve", "put": "update", "delete": "destroy"}),
        name="tag",
    ),
    path("tags/<str:id>/images", TagViewSet.as_view({"get": "images"}), name="tag-images"),
    path("tags/<str:id>/alias", TagRuleViewSet.as_view({"post": "alias", "delete": "unalias"})),
    path("tags/<str:id>/implications", TagRuleViewSet.as_view({"post": "implications"})),
    path("tags/<str:id>/related", TagFindingViewSet.as_view({"get": "related"})),
    path("tags/<str:id>/images.ndjson", TagViewSet.as_view({"get": "image_lines"})),
]
