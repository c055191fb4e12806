"""Images in the admin: looked at, described and ended; their files come through the APIs."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from images import deletion, serving
from images.admin import deeds, facts, page, retagging, steps
from images.admin.lists import ImageLists
from images.models import Image


@admin.register(Image)
class ImageAdmin(ImageLists):
    """What staff may change of a record: its words and its ends."""

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

    @admin.display(description="File")
    def file(self, image: Image) -> SafeString | str:
        """A link to the stored file, for an hour."""
        if image.uploaded_at is None:
            return "has not arrived"
        return format_html('<a href="{}" download>Download</a>', serving.url(image))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [path("<int:image_id>/step/", view(self.step_view), name="images_image_step")]
        return [*own, *retagging.urls(view), *deeds.urls(view), *super().get_urls()]

    def step_view(self, request: HttpRequest, image_id: int) -> HttpResponse:
        """From an image to one beside it in a search, or to the list (`steps.step`)."""
        self.check_seeing(request)
        return steps.step(request, self.get_queryset(request), image_id)

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Image | None:
        if from_field is not None:
            return super().get_object(request, object_id, from_field)
        return page.found(self.get_queryset(request), object_id)

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **options: Any
    ) -> HttpResponse:
        context.update(page.context(request, context["original"]))
        return super().render_change_form(request, context, *args, **options)

    def response_change(self, request: HttpRequest, obj: Image) -> HttpResponse:
        answer = super().response_change(request, obj)
        if "_continue" not in request.POST:
            return answer
        # With the search that one came from.
        return HttpResponseRedirect(request.get_full_path())

    def response_post_save_change(self, request: HttpRequest, obj: Image) -> HttpResponse:
        """After "Save", the page of the list that one came from."""
        ways = steps.steps(request, obj.pk)
        if ways is None:
            return super().response_post_save_change(request, obj)
        return HttpResponseRedirect(ways.back)

    def save_model(self, request: HttpRequest, obj: Image, form: Any, change: bool) -> None:
        if not facts.is_over(obj):
            # What is current again is in no trash (images.editing).
            obj.trashed_at = None
        super().save_model(request, obj, form, change)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def delete_model(self, request: HttpRequest, obj: Image) -> None:
        deletion.delete(obj)
