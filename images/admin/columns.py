"""The columns and the filters of the list of images."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from images.admin import selection, workplace
from images.admin.cells import cells
from images.querysets import UNCLAIMED
from images.visibility import CURRENT
from taggedimages.identity.admin import FoundOrRefused


class Images(FoundOrRefused):
    """The list of images: each row with its cell, which one statement brings for all of them."""

    def get_results(self, request: HttpRequest) -> None:
        if self.get_filters_params():
            super().get_results(request)
        else:
            # Nothing that the database might refuse, so it needs no savepoint.
            ChangeList.get_results(self, request)
        rows: list[Any] = list(self.result_list)
        shown, chosen = cells([row.pk for row in rows]), set(selection.selected(request))
        first = (self.page_num - 1) * self.list_per_page
        is_search = not workplace.filters(request) and not request.GET.get("o")
        for place, row in enumerate(rows, first):
            row.cell, row.is_selected = shown.get(row.pk), row.pk in chosen
            at = place if is_search else None
            row.page = workplace.image_url(row.pk, self.query, at)
        self.result_list = rows


class StateFilter(admin.SimpleListFilter):
    """Whether an image is shown now."""

    title, parameter_name = "state", "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("current", "current"), ("ended", "ended"), ("trash", "in the trash")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        ended = queryset.filter(ended_at__lte=Now())
        match self.value():
            case "current":
                return queryset.filter(CURRENT)
            case "ended":
                return ended.filter(trashed_at=None)
            case "trash":
                # What was announced and never claimed is in nobody's trash.
                return ended.filter(trashed_at__isnull=False).exclude(UNCLAIMED)
        return queryset


@admin.display(description="Select")
def box(image: Any) -> SafeString:
    """What selects an image."""
    return format_html(
        '<input type="checkbox" name="_selected_action" value="{0}" id="select-{0}"'
        ' class="select" aria-labelledby="caption-{0} tags-{0}"{1}>',
        image.pk,
        SafeString(" checked") if image.is_selected else "",
    )


@admin.display(description="Preview")
def preview(image: Any) -> SafeString:
    """The picture, small; a click selects it."""
    return SafeString(render_to_string(PREVIEW, {"cell": image.cell, "id": image.pk}))


@admin.display(description="Filename", ordering="filename")
def caption(image: Any) -> SafeString:
    """The filename, which opens the image."""
    link = '<a class="caption" id="caption-{}" href="{}">{}</a>'
    return format_html(link, image.pk, image.page, image.filename)


@admin.display(description="Tags")
def tags(image: Any) -> SafeString:
    """The tags as chips."""
    return SafeString(render_to_string(CHIPS, {"cell": image.cell, "id": image.pk}))


PREVIEW, CHIPS = "admin/images/image/preview.html", "admin/images/image/chips.html"
COLUMNS = (
    box,
    preview,
    caption,
    tags,
    "created_by",
    "created_at",
    "uploaded_at",
    "ended_at",
    "visibility",
)
