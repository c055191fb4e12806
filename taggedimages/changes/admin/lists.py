"""The list of changes, and the addresses of their pages."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from taggedimages.changes.admin import actions, members, page, permissions, words
from taggedimages.changes.models import Change
from taggedimages.identity.admin import GuardedLists
from taggedimages.identity.models import User
from tags.admin.ledger import Newest

# What a page of a change leads to.
VIEWS = {
    "progress": page.progress,
    "images": members.show,
    "apply": actions.apply,
    "discard": actions.discard,
    "stop": actions.stop,
    "resume": actions.resume,
    "undo": actions.undo,
    "exclude": actions.exclude,
    "include": actions.include,
}

# Changes whose authors are offered.
LATEST = 500


class By(admin.SimpleListFilter):
    """Whose changes: names of those who proposed one lately; an address may have any."""

    title = "author"
    parameter_name = "by"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        latest = model_admin.get_queryset(request).order_by("-id")[:LATEST]
        names = set(latest.values_list("author_name", flat=True))
        own = permissions.user_of(request).username
        return [(own, "Me"), *((name, name) for name in sorted(names - {own, ""}))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Change]) -> QuerySet[Change]:
        name = self.value()
        return queryset if name is None else queryset.filter(author_name=name)


@admin.register(Change)
class ChangeAdmin(GuardedLists, admin.ModelAdmin[Change]):
    """Changes, newest first; nothing of one is edited, all is done by its buttons."""

    list_display = ("number", "stands", "kind", "what", "how_many", "who", "created")
    list_display_links = None
    list_filter = ("state", "kind", By)
    list_select_related = ("of",)
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
    ordering = ("-id",)
    paginator = Newest
    actions = None

    class Media:
        css: ClassVar = {"all": ["taggedimages/admin/plan.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Change]:
        return permissions.seen_by(permissions.user_of(request))

    def get_urls(self) -> list[URLPattern]:
        return [
            path(
                f"<str:id>/{name}/", self.admin_site.admin_view(view), name=f"changes_change_{name}"
            )
            for name, view in VIEWS.items()
        ] + super().get_urls()

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return super().changelist_view(request, {"title": "Changes", **(extra_context or {})})

    def has_module_permission(self, request: HttpRequest) -> bool:
        # The page of the login asks it as well, of nobody yet.
        return isinstance(request.user, User) and permissions.may_see(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Change | None = None) -> bool:
        return permissions.may_see(permissions.user_of(request))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Change | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Change | None = None) -> bool:
        return False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        return page.show(request, object_id)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        permissions.seen(request, object_id)
        return super().history_view(request, object_id, extra_context)

    @admin.display(description="change")
    def number(self, change: Change) -> SafeString:
        """Its number, which leads to its page."""
        url = reverse("admin:changes_change_change", args=[change.pk])
        return format_html('<a href="{}">{}</a>', url, change.pk)

    @admin.display(description="state")
    def stands(self, change: Change) -> str:
        """Its state, and how far it is."""
        return words.stands(change)

    @admin.display(description="what")
    def what(self, change: Change) -> str:
        """What it does to which images."""
        return words.what(change)

    @admin.display(description="images")
    def how_many(self, change: Change) -> str:
        """How many images it is for; of a rename, none."""
        return words.number(change.images) if change.images else ""

    @admin.display(description="created (UTC)")
    def created(self, change: Change) -> str:
        """When it was proposed, to the minute."""
        return f"{change.created_at:%Y-%m-%d %H:%M}"

    @admin.display(description="by")
    def who(self, change: Change) -> str:
        """Who proposed it, and through which door unless it was this one."""
        return words.who(change)
