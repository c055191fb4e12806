"""Images in the admin: looked at, described and ended; their files come through the APIs."""

import re
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from rest_framework.exceptions import ValidationError

from images import deletion, serving
from images.models import Image, ImageQuerySet
from search.parameters import text_query
from search.query import narrowed
from taggedimages.api.errors import flattened

# A search that starts so is one by conditions.
CONDITIONS = re.compile(r"[a-z_]+=")


@admin.register(Image)
class ImageAdmin(admin.ModelAdmin[Image]):
    """What staff may change of a record: its words and its ends."""

    list_display = ("filename", "created_by", "created_at", "uploaded_at", "ended_at", "private")
    list_filter = ("private", "project")
    search_fields = ("=id", "=uuid", "filename")
    search_help_text = (
        "An id, a uuid or a part of the filename; or conditions as /v1/search/images takes them, "
        "such as exact_tags=knee|left&min_width=512&order=largest"
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
        "private",
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
        return Image.objects.filter(deleted_at=None)

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[Any, bool]:
        if not CONDITIONS.match(search_term):
            return super().get_search_results(request, queryset, search_term)
        try:
            return narrowed(queryset, text_query(search_term)), False
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
