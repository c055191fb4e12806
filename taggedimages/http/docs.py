"""The OpenAPI documents, generated from the code, and the page to browse them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, wraps
from threading import Lock
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import get_resolver, get_script_prefix
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings

from taggedimages.http.refusals import api_of


@dataclass(frozen=True)
class Document:
    """One API: where urls.py includes its routes, and what its groups of operations are."""

    title: str
    prefix: str
    tags: dict[str, str]


ATMOSPHERE = {
    "images": "Images, which the other APIs add; an end date hides one.",
    "image_tags": "Links between images and tags.",
    "tags": "The vocabulary.",
    "tokens": "Whose a token is.",
    "image_versions": "Each image has one.",
    "version": "Of the service.",
}
# By the folder of each document.
DOCUMENTS = {
    "/v1/": Document(
        "Tagged Image Manager",
        "v1/",
        {
            "images": "Records of images, their files, and what is known of these.",
            "search": "Images by their tags and other conditions.",
            "tags": "The vocabulary.",
            "changes": "Many images changed at once: seen beforehand, and taken back.",
            "datasets": "What models are trained on: frozen, signed releases.",
            "contracts": "Rules that tags keep, and the images that break them.",
            "upload": "Small images in one request.",
            "hooks": "What the object store tells.",
        },
    ),
    "/api/v2/": Document("Atmosphere, as in its first documents", "api/v2/", ATMOSPHERE),
    "/current/api/v2/": Document("Atmosphere, as last deployed", "current/api/v2/", ATMOSPHERE),
    "/api/v1/": Document(
        "SharinPix",
        "api/v1/",
        {
            "images": "One image, or several.",
            "albums": "The images of an album.",
            "search": "Images by a query.",
            "tags": "The vocabulary.",
            "tags_token": "The tags that a token names.",
            "tag_images": "Links between images and tags.",
            "trashed_images": "The trash.",
            "storages": "Where files are announced.",
            "storage_files": "Files that were announced.",
            "token": "Tokens for others.",
        },
    ),
    "/v2/": Document(
        "Image Management Service",
        "",
        {"IMS": "Images and their tags, by project or as OpenStack knows them; logins."},
    ),
}
LICENSE = {"name": "Apache License 2.0", "identifier": "Apache-2.0"}


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
    api = DOCUMENTS[folder]
    patterns = [one for one in get_resolver().url_patterns if str(one.pattern) == api.prefix]
    tags = [{"name": name, "description": said} for name, said in api.tags.items()]
    with patched_settings({"TITLE": api.title, "TAGS": tags, "LICENSE": LICENSE}):
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
    """GET openapi.json in the folder of any of the APIs: of the server that was asked for it."""
    schema = schema_of(request.path_info.removesuffix("openapi.json"))
    # Whole, and without the slash that paths begin with: many generated clients just join them.
    root = request.build_absolute_uri(get_script_prefix()).rstrip("/")
    return JsonResponse(schema | {"servers": [{"url": root}]})


@only_read
def browse(request: HttpRequest) -> HttpResponse:
    """GET /docs: Swagger UI, from files that ship with the service."""
    documents = [
        {"url": f"{folder}openapi.json", "name": api.title} for folder, api in DOCUMENTS.items()
    ]
    return render(request, "taggedimages/docs.html", {"documents": documents})
