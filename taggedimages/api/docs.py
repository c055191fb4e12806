"""The OpenAPI document of /v1, generated from the code, and the page to browse it."""

from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings


@cache
def v1_schema() -> dict[str, Any]:
    """The document, made once a process."""
    with patched_settings({"PREPROCESSING_HOOKS": ["taggedimages.api.schema.only_v1"]}):
        schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
        return schema


def v1_document(request: HttpRequest) -> HttpResponse:
    """GET /v1/openapi.json."""
    return JsonResponse(v1_schema())


def browse(request: HttpRequest) -> HttpResponse:
    """GET /docs: Swagger UI, from files that ship with the service."""
    return render(request, "taggedimages/docs.html")
