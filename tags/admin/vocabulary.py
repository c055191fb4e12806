"""Tags in the admin; every change goes through the same functions as the APIs'."""

from datetime import datetime
from functools import partial
from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import quote, unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from taggedimages.http.rate_limits import limit
from taggedimages.identity.admin import GuardedLists, viewer_of_staff
from taggedimages.identity.authentication import author_of
from taggedimages.identity.authors import ADMIN
from taggedimages.identity.rate_limits import Kind
from tags import colours, history, renaming, rights, shown
from tags.admin import actions, page
from tags.admin.deeds import DEEDS
from tags.admin.form import TagForm
from tags.admin.ledger import is_id
from tags.admin.lists import AliasFilter, CategoryFilter, TagList, TagPages, found_by
from tags.admin.plans import answer
from tags.admin.sets import edit_sets
from tags.admin.suggesting import suggest
from tags.models import Tag, TagQuerySet


@admin.register(Tag)
class TagAdmin(GuardedLists, admin.ModelAdmin[Tag]):
    """The vocabulary."""

    form = TagForm
    list_display = (
        "label",
        "category",
        "status",
        "alias_of",
        "images_tagged",
        "last_use",
        "maker",
        "made_at",
    )
    list_select_related = ("user", "alias_of", "statistics")
    list_filter = ("status", CategoryFilter, AliasFilter)
    show_facets = admin.ShowFacets.NEVER
    search_fields = ("folded",)
    search_help_text = "Parts of a name, or of an alias of it, in any case"
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    ordering = ("folded", "name")
    paginator = TagPages
    actions = actions.ACTIONS
    actions_selection_counter = True

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return TagList

    def get_queryset(self, request: HttpRequest) -> TagQuerySet:
        return Tag.objects.shown_to(viewer_of_staff(request))

    def get_list_display(self, request: HttpRequest) -> Any:
        # When a tag was used last is known of all projects together.
        of_all = viewer_of_staff(request).project is None
        return [one for one in self.list_display if of_all or one != "last_use"]

    def get_sortable_by(self, request: HttpRequest) -> Any:
        sortable = ("label", "images_tagged", "last_use", "made_at")
        return sortable if viewer_of_staff(request).project is None else ("label", "made_at")

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[Any, bool]:
        if not search_term.strip():
            return queryset, False
        limit(request, Kind.SEARCHES)
        return found_by(queryset, search_term), False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("suggest/", view(self.suggest), name="tags_tag_suggest"),
            path("sets/", view(edit_sets), name="tags_tag_sets"),
            path("<path:object_id>/together/", view(self.together), name="tags_tag_together"),
        ]
        own += [
            path(
                f"<path:object_id>/{name}/",
                view(partial(self.deed, name=name)),
                name=f"tags_tag_{name}",
            )
            for name in DEEDS
        ]
        return own + super().get_urls()

    def suggest(self, request: HttpRequest) -> HttpResponseBase:
        """What tag boxes ask; for whoever may look at tags, or change those of images."""
        may_tag = request.user.has_perm("images.change_image")
        if not (may_tag or self.has_view_permission(request)):
            raise PermissionDenied
        return suggest(request)

    def has_change_permission(self, request: HttpRequest, obj: Tag | None = None) -> bool:
        return super().has_change_permission(request, obj) and _may_change(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Tag | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_change(request, obj)

    @admin.display(description="name", ordering="folded")
    def label(self, tag: Tag) -> SafeString:
        """The name in the tag's colour."""
        return format_html(
            '<span class="chip" style="--tag: {}">{}</span>', colours.shown(tag.color), tag.name
        )

    @admin.display(description="images", ordering="statistics__links")
    def images_tagged(self, tag: Any) -> str:
        """How many have it (search.results.count_by_tag)."""
        return f"{tag.uses:,}"

    @admin.display(description="last use", ordering="statistics__last_used_at")
    def last_use(self, tag: Any) -> datetime | str:
        """When an image last got it, or a value of it, as far as the worker knows."""
        known = getattr(tag, "statistics", None)
        if known and known.last_used_at:
            return known.last_used_at  # type: ignore[no-any-return]
        return "not known yet" if tag.uses else "never"

    @admin.display(description="made by")
    def maker(self, tag: Any) -> str:
        """Who made it; somebody of another project is nobody's to know but superusers'."""
        return str(tag.made_by)

    @admin.display(description="made at", ordering="created_at")
    def made_at(self, tag: Tag) -> datetime:
        """When it was made."""
        return tag.created_at

    def save_model(self, request: HttpRequest, obj: Tag, form: Any, change: bool) -> None:
        by = author_of(request, ADMIN)
        if not change:
            with history.signed(by):
                obj.save()
                shown.made_by(by.user, [obj.name])
            return
        with transaction.atomic():
            if "name" in form.changed_data:
                renaming.rename(obj, obj.name, by, keep_old=form.cleaned_data["keep_old"])
            # Only what was edited: others may be at the rest.
            obj.save(update_fields=set(form.changed_data) - {"name", "keep_old"})

    def get_fields(self, request: HttpRequest, obj: Tag | None = None) -> Any:
        fields = super().get_fields(request, obj)
        return fields if obj else [name for name in fields if name != "keep_old"]

    def get_form(
        self, request: HttpRequest, obj: Tag | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        form.locks = author_of(request, ADMIN)  # type: ignore[attr-defined]
        return form

    def response_action(self, request: HttpRequest, queryset: Any, *where: Any) -> Any:
        # Django looks up whatever is sent.
        given = request.POST.copy()
        chosen = given.getlist(ACTION_CHECKBOX_NAME)
        given.setlist(ACTION_CHECKBOX_NAME, [one for one in chosen if is_id(one)])
        request.POST = given  # type: ignore[assignment]
        return super().response_action(request, queryset, *where)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The page of a tag."""
        tag = self._shown(request, object_id)
        if tag is None:
            return self._gone(request, object_id)
        if not self.has_view_or_change_permission(request, tag):
            raise PermissionDenied
        context = page.about(request, tag) if request.method == "GET" else {}
        context |= {
            "may_change": self.has_change_permission(request, tag),
            "may_delete": self.has_delete_permission(request, tag),
        }
        return super().change_view(request, object_id, form_url, context | (extra_context or {}))

    def together(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What the page of a tag loads after itself; without scripts, a page."""
        tag = self._shown(request, object_id)
        if tag is None:
            return self._gone(request, object_id)
        if not self.has_view_permission(request, tag):
            raise PermissionDenied
        context = self.admin_site.each_context(request) | page.together(request, tag)
        context |= {"title": f"Beside “{tag}”", "fragment": "fragment" in request.GET}
        return TemplateResponse(request, "admin/tags/tag/together.html", context)

    def deed(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """The plan of something that is done to a tag, and then the deed."""
        tag = self._shown(request, object_id)
        if tag is None:
            return self._gone(request, object_id)
        if not self.has_change_permission(request, tag):
            raise PermissionDenied
        back = reverse("admin:tags_tag_change", args=[tag.pk])
        make = partial(DEEDS[name], request, tag, author_of(request, ADMIN))
        return answer(request, make, back, tag=tag)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """The plan of a deletion, and the deletion."""
        tag = self._shown(request, object_id)
        if tag is None:
            return self._gone(request, object_id)
        if not self.has_delete_permission(request, tag):
            raise PermissionDenied
        by, every = author_of(request, ADMIN), reverse("admin:tags_tag_changelist")
        back = reverse("admin:tags_tag_change", args=[tag.pk])
        make = partial(actions.delete, request, [tag], by, then=every)
        return answer(request, make, back, tag=tag)

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Tag | None:
        # Fetched already.
        return None if from_field else self._shown(request, quote(object_id))

    def _shown(self, request: HttpRequest, object_id: str) -> Tag | None:
        """The tag of an address, with all that its page tells of it; fetched once."""
        given = unquote(object_id)
        if not is_id(given):
            return None
        fetched: dict[int, Tag | None] = request.__dict__.setdefault("_shown_tags", {})
        if int(given) not in fetched:
            related = ("user", "alias_of", "statistics")
            tags = self.get_queryset(request).select_related(*related)
            if viewer_of_staff(request).project is not None:
                # With it, so that it is asked once.
                by = author_of(request, ADMIN)
                tags = tags.annotate(is_of_others=rights.is_of_others(by))
            fetched[int(given)] = tags.filter(pk=int(given)).first()
        return fetched[int(given)]

    def _gone(self, request: HttpRequest, object_id: str) -> HttpResponse:
        to_start: Any = super()
        gone: HttpResponse = to_start._get_obj_does_not_exist_redirect(
            request, self.opts, object_id
        )
        return gone


def _may_change(request: HttpRequest, tag: Tag | None) -> bool:
    """Whether a tag may be changed as `tags.rights` has it; of none, whether some may."""
    if tag is None:
        return True
    # Asked several times for one page.
    known: dict[int, bool] = request.__dict__.setdefault("_changeable_tags", {})
    if tag.pk not in known:
        known[tag.pk] = not rights.refused_changes([tag], author_of(request, ADMIN))
    return known[tag.pk]
