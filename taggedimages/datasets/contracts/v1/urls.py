"""Routes of /v1 that concern contracts."""

from django.urls import path

from taggedimages.datasets.contracts.v1.views import ContractViewSet

urlpatterns = [
    path("contracts", ContractViewSet.as_view({"get": "list"}), name="contracts"),
    path(
        "contracts/<str:name>",
        ContractViewSet.as_view({"get": "retrieve", "put": "update", "delete": "destroy"}),
        name="contract",
    ),
    path("contracts/<str:name>/versions", ContractViewSet.as_view({"get": "versions"})),
    path("contracts/<str:name>/report", ContractViewSet.as_view({"get": "report"})),
]
