"""The OpenAPI documents, generated from the code, and the page to browse them."""

from collections.abc import Callable
from functools import cache, wraps
from threading import Lock
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import get_resolver
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings

from taggedimages.http.refusals import api_of

# By the folder of each document: its title, and where urls.py includes its routes.
DOCUMENTS = {
    "/v1/": ("Tagged Image Manager", "v1/"),
    "/api/v2/": ("Atmosphere, as in its first documents", "api/v2/"),
    "/current/api/v2/": ("Atmosphere, as last deployed", "current/api/v2/"),
    "/api/v1/": ("SharinPix", "api/v1/"),
    "/v2/": ("Image Management Service", ""),
}


# Making one changes settings of the generator, which all threads share.
_making = Lock()

View = Callable[[HttpRequest], HttpResponse]


def schema_of(folder: str) -> dict[str, Any]:
    """The document of one API, made once a process."""
    with _making:
        return _made(folder)


def forget() -> None:
    """Have the documents made anew, where what they tell of has changed."""
    _made.cache_clear()


@cache
def _made(folder: str) -> dict[str, Any]:
    title, prefix = DOCUMENTS[folder]
    patterns = [one for one in get_resolver().url_patterns if str(one.pattern) == prefix]
    with patched_settings({"TITLE": title}):
        generator = SchemaGenerator(patterns=patterns)
        schema: dict[str, Any] = generator.get_schema(request=None, public=True)
        return schema


def only_read(view: View) -> View:
    """A page that is the same whoever asks: other methods are refused as the API of its path does,
    not for the lack of a token of Django's forms."""

    @wraps(view)
    def read(request: HttpRequest) -> HttpResponse:
        if request.method in ("GET", "HEAD"):
            return view(request)
        answer = api_of(request.path_info).refuse(405, "This can only be read.")
        answer["Allow"] = "GET, HEAD"
        return answer

    return csrf_exempt(read)


@only_read
def document(request: HttpRequest) -> HttpResponse:
    """GET openapi.json in the folder of any of the APIs."""
    return JsonResponse(schema_of(request.path_info.removesuffix("openapi.json")))


@only_read
def browse(request: HttpRequest) -> HttpResponse:
    """GET /docs: Swagger UI, from files that ship with the service."""
    documents = [
        {"url": f"{folder}openapi.json", "name": title} for folder, (title, _) in DOCUMENTS.items()
    ]
    return render(request, "taggedimages/docs.html", {"documents": documents})
