"""The clean-up list among the pages of the admin."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from taggedimages.identity.admin import GuardedLists
from tags.admin.cleanup import answers, pages
from tags.cleanup.models import Finding


@admin.register(Finding)
class FindingAdmin(GuardedLists, admin.ModelAdmin[Finding]):
    """What was found in the vocabulary that wants a look; nothing of a row is edited."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Finding]:
        return pages.findings(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return pages.may_see(request)

    def has_view_permission(self, request: HttpRequest, obj: Finding | None = None) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Finding | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Finding | None = None) -> bool:
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Rows of one kind; of a POST, what is done about some."""
        self.check_seeing(request)
        return answers.answer(request) if request.method == "POST" else pages.list_page(request)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """A row by itself."""
        self.check_seeing(request)
        if request.method == "POST":
            return answers.answer(request)
        return pages.row_page(request, object_id)

    def check_seeing(self, request: HttpRequest) -> None:
        """Raise PermissionDenied where somebody is to see no tags at all."""
        if not self.has_module_permission(request):
            raise PermissionDenied
