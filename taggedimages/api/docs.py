"""The OpenAPI documents, generated from the code, and the page to browse them."""

from functools import cache, partial
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings

from taggedimages.doors import door_of

# By the name of a door: the title, and the hook that keeps the door's own routes.
DOCUMENTS = {
    "v1": ("Tagged Image Manager", "taggedimages.api.docs.only_v1"),
    "ims": ("Tagged Image Manager for IMS clients", "taggedimages.api.docs.only_ims"),
}


def _only(door: str, endpoints: list[Any], **kwargs: Any) -> list[Any]:
    """Keep the routes of one door."""
    return [endpoint for endpoint in endpoints if door_of(endpoint[0]).name == door]


# The generator takes hooks by their dotted names only.
only_v1 = partial(_only, "v1")
only_ims = partial(_only, "ims")


@cache
def schema_of(name: str) -> dict[str, Any]:
    """The document of a door, made once a process."""
    title, hook = DOCUMENTS[name]
    with patched_settings({"TITLE": title, "PREPROCESSING_HOOKS": [hook]}):
        schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
        return schema


def document(request: HttpRequest, name: str) -> HttpResponse:
    """GET /v1/openapi.json, and the same of the other doors."""
    return JsonResponse(schema_of(name))


def browse(request: HttpRequest) -> HttpResponse:
    """GET /docs: Swagger UI, from files that ship with the service."""
    return render(request, "taggedimages/docs.html")
