"""Uploads that somebody may have to see to: whose file has not come, or is of no use."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

# Each has an index of its own, which holds those alone. A file that is refused is not there; one
# that cannot be read is, and can be fetched.
STATES = {
    "waiting": Q(uploaded_at=None, upload_error="", deleted_at=None),
    "unread": Q(uploaded_at__isnull=False, processed_at=None, check_at__isnull=False),
    "refused": Q(upload_error__gt="", deleted_at=None),
    "unreadable": Q(facts__problem__gt="", deleted_at=None),
}
WORDS = {
    "waiting": "file has not come",
    "unread": "file not looked at yet",
    "refused": "file was refused",
    "unreadable": "file cannot be read",
}


class UploadFilter(admin.SimpleListFilter):
    """Whether the file of an image is there and in order."""

    title, parameter_name = "upload", "upload"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(WORDS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        state = self.value()
        return queryset.filter(STATES[state]) if state in STATES else queryset
