"""Tags in the admin; every change goes through the same functions as the APIs'."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils.functional import cached_property

from images.models import Image
from taggedimages.http.rate_limits import limit
from taggedimages.identity.admin import GuardedLists, viewer_of_staff
from taggedimages.identity.authentication import author_of
from taggedimages.identity.authors import ADMIN
from taggedimages.identity.rate_limits import Kind
from tags import counters, curation, history, names, renaming, restriction, rights, shown
from tags.admin.sets import edit_sets
from tags.admin.suggesting import suggest
from tags.models import ImageTag, Tag, TagQuerySet


class TagForm(forms.ModelForm[Tag]):
    """A tag; its name must be free, or an alias of its own, and one that every API takes."""

    keep_old = forms.BooleanField(
        required=False,
        initial=True,
        label="Keep the old name as an alias",
        help_text="Of a tag that is renamed: whether its old name goes on finding and writing it.",
    )

    class Meta:
        model = Tag
        fields = (
            "name",
            "description",
            "label_en",
            "label_fr",
            "color",
            "public",
            "listed",
            "visible",
            "allow_download",
        )

    def clean_name(self) -> str:
        """The name in form NFC; one that stays stays as it is."""
        name: str = self.cleaned_data["name"]
        if name == self.initial.get("name"):
            return name
        try:
            name = names.entered(name)
            if alias := self.own_alias(name):
                renaming.images_to_move(alias)
        except (names.BadName, renaming.TooManyLinks) as error:
            raise forms.ValidationError(str(error)) from error
        return name

    def own_alias(self, name: Any) -> Tag | None:
        """The alias of this very tag that has a name, which it may take back."""
        if self.instance.pk is None:
            return None
        return Tag.objects.filter(name=name, alias_of=self.instance.pk).first()

    def _get_validation_exclusions(self) -> set[str]:
        # That name is free for it, whatever the constraint says.
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded | {"name"} if self.own_alias(self.cleaned_data.get("name")) else excluded


class AllTags(Paginator[Tag]):
    """Pages of tags; where none is left out, a counter says how many there are."""

    @cached_property
    def count(self) -> int:
        tags: Any = self.object_list
        return super().count if tags.query.where else counters.count_tags()


@admin.register(Tag)
class TagAdmin(GuardedLists, admin.ModelAdmin[Tag]):
    """The vocabulary."""

    form = TagForm
    list_display = ("name", "alias_of", "images_tagged", "description", "created_at")
    search_fields = ("folded",)
    list_per_page = 50
    show_full_result_count = False
    ordering = ("folded", "name")
    paginator = AllTags

    def get_queryset(self, request: HttpRequest) -> TagQuerySet:
        viewer = viewer_of_staff(request)
        links = ImageTag.objects.all()
        if viewer.project is not None:
            links = links.filter(image__in=Image.objects.shown_to(viewer))
        # A subquery, so that only the tags of the page are counted.
        of_tag = links.filter(tag=OuterRef("pk")).order_by().values("tag")
        return (
            Tag.objects.shown_to(viewer)
            .alphabetical()
            .annotate(uses=Coalesce(Subquery(of_tag.annotate(n=Count("pk")).values("n")), 0))
        )

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[Any, bool]:
        if search_term:
            limit(request, Kind.SEARCHES)
        # Its words in any case, as every other search compares them.
        parts = [Q(folded__like=names.part_pattern(word)) for word in search_term.split()]
        return queryset.filter(*parts), False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("suggest/", view(self.suggest), name="tags_tag_suggest"),
            path("sets/", view(edit_sets), name="tags_tag_sets"),
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

    @admin.display(description="images")
    def images_tagged(self, tag: Any) -> int:
        """How many links the tag has: of what is shown, and for superusers of ended images too."""
        return int(tag.uses)

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

    def delete_model(self, request: HttpRequest, obj: Tag) -> None:
        curation.delete(obj, author_of(request, ADMIN))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Tag]) -> None:
        for tag in queryset:
            curation.delete(tag, author_of(request, ADMIN))

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        # Listing every link would hold a page of millions; the count tells as much. Those that may
        # not be deleted are on images of others, which are not counted.
        going = [tag for tag in objs if _may_change(request, tag)]
        counts = {"tags": len(objs)} | {"links": sum(tag.imagetag_set.count() for tag in going)}
        kept = {"tag"} if len(going) < len(objs) else set()
        return [str(tag) for tag in objs], counts, kept, []


def _may_change(request: HttpRequest, tag: Tag | None) -> bool:
    """Whether a tag may be changed as `tags.rights` has it; of none, whether some may."""
    if tag is None:
        return True
    try:
        rights.check_change(tag, author_of(request, ADMIN))
    except (rights.OnImagesOfOthers, restriction.Restricted):
        return False
    return True
