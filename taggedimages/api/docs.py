"""The OpenAPI documents, generated from the code, and the page to browse /v1."""

from collections.abc import Callable
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import get_resolver
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


def document(title: str, prefix: str) -> Callable[[HttpRequest], HttpResponse]:
    """A view of the OpenAPI document of one API: the routes that urls.py includes at `prefix`."""

    @cache
    def schema() -> dict[str, Any]:
        patterns = [one for one in get_resolver().url_patterns if str(one.pattern) == prefix]
        with patched_settings({"TITLE": title}):
            made: dict[str, Any] = SchemaGenerator(patterns=patterns).get_schema(public=True)
        return made

    def view(request: HttpRequest) -> HttpResponse:
        return JsonResponse(schema())

    return view


def browse(request: HttpRequest) -> HttpResponse:
    """GET /docs: Swagger UI, from files that ship with the service."""
    return render(request, "taggedimages/docs.html")
