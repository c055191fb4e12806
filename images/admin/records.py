"""Images in the admin: looked at, described and ended; their files come through the APIs."""

import re
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from rest_framework.exceptions import ValidationError

from images import deletion, serving
from images.admin.uploads import UploadFilter
from images.models import Image
from images.querysets import ImageQuerySet
from images.visibility import CLOCK_TOLERANCE
from search.ordering import NEWEST, UNENDED_FIRST
from search.query import Query
from search.results import SearchResults
from search.v1.parameters import text_query
from taggedimages.http.errors import flattened
from taggedimages.http.fields import MAX_INT64, WHOLE_NUMBER
from taggedimages.http.rate_limits import limit
from taggedimages.identity.admin import GuardedLists, project_of_staff, viewer_of_staff
from taggedimages.identity.rate_limits import Kind
from tags.names import part_pattern

# A search that starts so is one by conditions.
CONDITIONS = re.compile(r"[a-z_]+=")
# What leaves none out: the order and the page.
IN_ORDER = {"o", "p"}


@admin.register(Image)
class ImageAdmin(GuardedLists, admin.ModelAdmin[Image]):
    """What staff may change of a record: its words and its ends."""

    list_display = ("filename", "created_by", "created_at", "uploaded_at", "ended_at", "visibility")
    search_fields = ("filename",)
    search_help_text = (
        "An id, a uuid or a part of the filename; or conditions as /v1/search/images takes them, "
        "such as exact_tags=knee|left&min_width=512&order=largest; with implied=true, tags that "
        "imply these count, too"
    )
    list_select_related = ("created_by",)
    list_per_page = 50
    show_full_result_count = False
    ordering = ("-created_at", "-id")
    fields = (
        "filename",
        "name",
        "title",
        "description",
        "visibility",
        "album_id",
        "project",
        "created_by",
        "created_at",
        "size",
        "uploaded_at",
        "ended_at",
        "upload_error",
        "file",
    )
    readonly_fields = (
        "filename",
        "project",
        "created_by",
        "created_at",
        "size",
        "uploaded_at",
        "upload_error",
        "file",
    )

    def get_queryset(self, request: HttpRequest) -> ImageQuerySet:
        project = project_of_staff(request)
        images = Image.objects.filter(deleted_at=None)
        return images if project is None else images.of_project(project)

    def get_list_filter(self, request: HttpRequest) -> tuple[Any, ...]:
        usual = (UploadFilter, "visibility")
        return (*usual, "project") if project_of_staff(request) is None else usual

    def get_paginator(
        self, request: HttpRequest, queryset: Any, *args: Any, **options: Any
    ) -> Paginator[Image]:
        """Pages; where no image is left out, the tag index says how many have no end.

        The history of an image is paged as well, and has no images.
        """
        pages: Paginator[Image] = super().get_paginator(request, queryset, *args, **options)
        if queryset.model is Image and request.GET.keys() <= IN_ORDER:
            shown = SearchResults(Query(), viewer_of_staff(request), UNENDED_FIRST, images=queryset)
            ahead = queryset.filter(ended_at=None, created_at__gt=Now() + CLOCK_TOLERANCE)
            pages.count = shown.count() + ahead.count()
        return pages

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[Any, bool]:
        if not CONDITIONS.match(search_term):
            if search_term:
                limit(request, Kind.SEARCHES)
            return queryset.filter(*map(_told, search_term.split())), False
        try:
            query, order = text_query(search_term)
            if query.is_expensive:
                limit(request, Kind.SEARCHES)
            found = SearchResults(query, viewer_of_staff(request), order, images=queryset)
            if order == NEWEST:
                # Nothing was said of an order, so the list's own stays.
                return found.images.order_by(*queryset.query.order_by), False
            return found.images, False
        except ValidationError as error:
            self.message_user(request, "; ".join(flattened(error.detail)), messages.ERROR)
            return queryset.none(), False

    @admin.display(description="File")
    def file(self, image: Image) -> SafeString | str:
        """A link to the stored file, for an hour."""
        if image.uploaded_at is None:
            return "has not arrived"
        return format_html('<a href="{}" download>Download</a>', serving.url(image))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def delete_model(self, request: HttpRequest, obj: Image) -> None:
        deletion.delete(obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for image in queryset:
            deletion.delete(image)


def _told(word: str) -> Q:
    """The images with this id, this uuid or this part of a filename; each has an index."""
    told = Q(filename__folded__like=part_pattern(word))
    if WHOLE_NUMBER.match(word) and 0 <= int(word) <= MAX_INT64:
        told |= Q(pk=int(word))
    with suppress(ValueError):
        told |= Q(uuid=UUID(word))
    return told
