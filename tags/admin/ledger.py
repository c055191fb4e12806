"""The ledger in the admin, to be read."""

from contextlib import suppress
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from images.models import Image
from taggedimages.http.fields import MAX_INT64, WHOLE_NUMBER
from taggedimages.identity.admin import GuardedLists, project_of_staff
from tags import names
from tags.models import TagChange


class Newest(Paginator[TagChange]):
    """Pages of the newest lines: of a ledger that only grows, nobody wants to count all."""

    MOST = 10_000

    @cached_property
    def count(self) -> int:
        lines: Any = self.object_list
        return int(lines.order_by("-id")[: self.MOST].count())


@admin.register(TagChange)
class TagChangeAdmin(GuardedLists, admin.ModelAdmin[TagChange]):
    """The ledger, to be read: its newest lines, or what is searched for."""

    list_display = (
        "changed_at",
        "image_id",
        "tag_name",
        "old_value",
        "new_value",
        "user_name",
        "through",
    )
    search_fields = ("tag_name",)
    search_help_text = (
        "The id of an image, the exact name of a tag, the id of a change, or change: and the number"
        " of a change of many images"
    )
    list_per_page = 50
    show_full_result_count = False
    ordering = ("-id",)
    paginator = Newest

    def get_queryset(self, request: HttpRequest) -> QuerySet[TagChange]:
        project = project_of_staff(request)
        lines = super().get_queryset(request)
        if project is None:
            return lines
        return lines.filter(image_id__in=Image.objects.of_project(project).values("pk"))

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[Any, bool]:
        return queryset.filter(_told(search_term)) if search_term else queryset, False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: TagChange | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: TagChange | None = None) -> bool:
        return False


def _told(text: str) -> Q:
    """The lines of this image, of this change, of this change of many images, or of a tag of this
    name."""
    kind, _, number = text.partition(":")
    if kind == "change" and is_id(number):
        return Q(bulk=int(number))
    if is_id(text):
        # A name may be a number too, but only ids have an index.
        return Q(image_id=int(text))
    with suppress(ValueError):
        return Q(change_id=UUID(text))
    # Of before names were brought to form NFC, the ledger has both.
    return Q(tag_name__in={text, names.normal(text)})


def is_id(text: str) -> bool:
    """Whether a text can be the id of a record."""
    return bool(WHOLE_NUMBER.match(text)) and 0 <= int(text) <= MAX_INT64
