"""Routes of /v1 that concern data sets and their releases."""

from django.urls import path

from taggedimages.datasets.v1.member_views import (
    CroissantView,
    DifferenceView,
    MembersView,
    UrlsView,
)
from taggedimages.datasets.v1.verify_view import VerifyView
from taggedimages.datasets.v1.views import DatasetViewSet, ReleaseViewSet

urlpatterns = [
    path("datasets", DatasetViewSet.as_view({"get": "list", "post": "create"}), name="datasets"),
    path("datasets/<str:name>", DatasetViewSet.as_view({"get": "retrieve"}), name="dataset"),
    path(
        "datasets/<str:name>/releases",
        ReleaseViewSet.as_view({"get": "list", "post": "create"}),
        name="releases",
    ),
    path(
        "datasets/<str:name>/releases/<str:number>",
        ReleaseViewSet.as_view({"get": "retrieve"}),
        name="release",
    ),
    path(
        "datasets/<str:name>/releases/<str:number>/statement",
        ReleaseViewSet.as_view({"get": "statement"}),
        name="release-statement",
    ),
    path(
        "datasets/<str:name>/releases/<str:number>/retire",
        ReleaseViewSet.as_view({"post": "retire"}),
    ),
    path(
        "datasets/<str:name>/releases/<str:number>/members", MembersView.as_view(), name="members"
    ),
    path("datasets/<str:name>/releases/<str:number>/urls", UrlsView.as_view()),
    path("datasets/<str:name>/releases/<str:number>/croissant", CroissantView.as_view()),
    path("datasets/<str:name>/releases/<str:number>/diff", DifferenceView.as_view()),
    path("datasets/<str:name>/releases/<str:number>/verify", VerifyView.as_view()),
]
