"""Data sets and releases in the admin, to be read: what is done about them, /v1 does."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html
from django.utils.safestring import SafeString

from taggedimages.datasets.models import Dataset, Release
from taggedimages.datasets.statements import quote
from taggedimages.identity.admin import GuardedLists, project_of_staff

NOTHING = "–"  # noqa: RUF001  as Django's admin has it, too


class ToBeRead(GuardedLists):
    """Of a ModelAdmin: nothing is added, changed or deleted here."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Dataset)
class DatasetAdmin(ToBeRead, admin.ModelAdmin[Dataset]):
    """The data sets of the project; superusers see all."""

    list_display = ("name", "project", "author_name", "created_at")
    search_fields = ("name",)
    ordering = ("-id",)
    fields = (
        *("name", "description", "license", "groups", "project", "author_name"),
        "created_at",
    )
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Dataset]:
        project = project_of_staff(request)
        datasets = super().get_queryset(request).select_related("project")
        return datasets if project is None else datasets.filter(project=project)

    @admin.display(description="By what images belong together")
    def groups(self, dataset: Dataset) -> str:
        return json.dumps(dataset.group) if dataset.group else NOTHING


@admin.register(Release)
class ReleaseAdmin(ToBeRead, admin.ModelAdmin[Release]):
    """Their releases: what each consists of, and why one failed."""

    list_display = ("version", "state", "members", "files", "erased", "author_name", "created_at")
    list_filter = ("state",)
    search_fields = ("dataset__name",)
    search_help_text = "The name of a data set"
    ordering = ("-id",)
    fields = (
        *("version", "state", "quoted", "members", "files", "erased", "problem"),
        *("query", "as_of", "instant", "divided", "kept_contracts", "author_name", "through"),
        *("created_at", "released_at", "retired_at"),
    )
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Release]:
        project = project_of_staff(request)
        releases = super().get_queryset(request).select_related("dataset")
        return releases if project is None else releases.filter(dataset__project=project)

    @admin.display(description="Release", ordering="id")
    def version(self, release: Release) -> str:
        return f"{release.dataset.name}@{release.number}"

    @admin.display(description="To be quoted as")
    def quoted(self, release: Release) -> str:
        return quote(release) if release.digest else NOTHING

    @admin.display(description="Bytes of files", ordering="bytes")
    def files(self, release: Release) -> str:
        return filesizeformat(release.bytes)

    @admin.display(description="Splits")
    def divided(self, release: Release) -> SafeString:
        return _written(release.report.get("splits"))

    @admin.display(description="Contracts")
    def kept_contracts(self, release: Release) -> SafeString:
        return _written(release.report.get("contracts"))


def _written(told: Any) -> SafeString:
    """What a release tells, as JSON with a line for each thing."""
    text = json.dumps(told, indent=2, ensure_ascii=False) if told else NOTHING
    return format_html("<pre>{}</pre>", text)
