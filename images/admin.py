"""Images in the admin: looked at, described and ended; their files come through the APIs."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from images import deletion, serving
from images.models import Image, ImageQuerySet


@admin.register(Image)
class ImageAdmin(admin.ModelAdmin[Image]):
    """What staff may change of a record: its words and its ends."""

    list_display = ("filename", "created_by", "created_at", "uploaded_at", "ended_at", "private")
    list_filter = ("private", "project")
    search_fields = ("=id", "=uuid", "filename")
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
