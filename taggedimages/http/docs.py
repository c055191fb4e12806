"""The OpenAPI documents, generated from the code, and the page to browse them."""

from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import get_resolver
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings

# By the folder of each document: its title, and where urls.py includes its routes.
DOCUMENTS = {
    "/v1/": ("Tagged Image Manager", "v1/"),
    "/api/v2/": ("Atmosphere, as in its first documents", "api/v2/"),
    "/current/api/v2/": ("Atmosphere, as last deployed", "current/api/v2/"),
    "/api/v1/": ("SharinPix", "api/v1/"),
    "/v2/": ("Image Management Service", ""),
}


@cache
def schema_of(folder: str) -> dict[str, Any]:
    """The document of one API, made once a process."""
    title, prefix = DOCUMENTS[folder]
    patterns = [one for one in get_resolver().url_patterns if str(one.pattern) == prefix]
    with patched_settings({"TITLE": title}):
        generator = SchemaGenerator(patterns=patterns)
        schema: dict[str, Any] = generator.get_schema(request=None, public=True)
        return schema


def document(request: HttpRequest) -> HttpResponse:
    """GET openapi.json in the folder of any of the APIs."""
    return JsonResponse(schema_of(request.path_info.removesuffix("openapi.json")))


def browse(request: HttpRequest) -> HttpResponse:
    """GET /docs: Swagger UI, from files that ship with the service."""
    documents = [
        {"url": f"{folder}openapi.json", "name": title} for folder, (title, _) in DOCUMENTS.items()
    ]
    return render(request, "taggedimages/docs.html", {"documents": documents})
