"""The list of tags: quick among a million, whatever it is sorted and filtered by.

Only the rows of a page are counted. How many there are is asked of a counter where nothing is left
out, and counted up to `MOST` where something is: nobody turns so many pages.
"""

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from search.results import count_by_tag
from taggedimages.identity.admin import FoundOrRefused, viewer_of_staff
from tags import counters, names, statistics
from tags.models import Tag

MOST = 10_000
# Of each, as many as a filter lists.
MOST_CATEGORIES = 50
# Targets that are found by their aliases, which are few.
MOST_TARGETS = 200
# Columns that are sorted by what the worker keeps, which has no row of what it does not know.
SORTED_BY_STATISTICS = {
    "statistics__links": "statistics__isnull",
    "statistics__last_used_at": "statistics__last_used_at__isnull",
}
# The next category is looked for in the index.
CATEGORIES = """
WITH RECURSIVE found AS (
    (SELECT category FROM tags_tag WHERE category <> '' ORDER BY category LIMIT 1)
    UNION ALL
    SELECT (SELECT category FROM tags_tag WHERE category <> '' AND category > found.category
            ORDER BY category LIMIT 1)
    FROM found WHERE category IS NOT NULL
)
SELECT category FROM found WHERE category IS NOT NULL LIMIT %s
"""


class TagPages(Paginator[Tag]):
    """Pages of tags."""

    @cached_property
    def count(self) -> int:
        tags: Any = self.object_list
        if not tags.query.where:
            return counters.count_tags()
        # In its order, which is how the page is found as well.
        return int(tags[:MOST].count())


class TagList(FoundOrRefused):
    """The list; each tag of its page has `uses`, how many images have it, and
    `made_by`, the name of its maker unless that is of another project than who looks."""

    def get_queryset(self, request: HttpRequest, *args: Any, **options: Any) -> QuerySet[Tag]:
        self.root_queryset = Tag.objects.all_shown_to(viewer_of_staff(request))
        tags: QuerySet[Tag] = super().get_queryset(request, *args, **options)
        for column in tags.query.order_by:
            if lookup := SORTED_BY_STATISTICS.get(str(column).lstrip("-")):
                tags = tags.filter(**{lookup: False})
        return tags

    def get_ordering(self, request: HttpRequest, queryset: Any) -> list[Any]:
        columns = super().get_ordering(request, queryset)
        # Equal ones in the direction of the index, which Django has the other way round.
        if columns[0] in SORTED_BY_STATISTICS and columns[1:] == ["-pk"]:
            columns[1] = "pk"
        return columns

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows: Any = list(self.result_list)
        viewer = viewer_of_staff(request)
        uses = count_by_tag([tag.pk for tag in rows], viewer)
        for tag in rows:
            tag.uses = uses.get(tag.pk, 0)
            known = tag.user and viewer.project in (None, tag.user.project_id)
            tag.made_by = tag.user.username if known else ""
        self.result_list = rows
        columns = [str(column).lstrip("-") for column in self.queryset.query.order_by]
        self.is_sorted_by_statistics = not SORTED_BY_STATISTICS.keys().isdisjoint(columns)
        # Such lists tell what was known then.
        self.is_complete = not self.is_sorted_by_statistics or bool(statistics.checked_at())


class CategoryFilter(admin.SimpleListFilter):
    """Tags of a category, and those of none."""

    title = "category"
    parameter_name = "category"
    NONE = "-"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        found = _categories(request)
        return [*((one, one) for one in found), (self.NONE, "none")] if found else []

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        chosen = self.value()
        if not chosen:
            return queryset
        return queryset.filter(category="" if chosen == self.NONE else chosen)


class AliasFilter(admin.SimpleListFilter):
    """Tags that stand for themselves, or for another."""

    title = "alias"
    parameter_name = "alias"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", "no alias"), ("yes", "alias of another"), ("has", "has aliases")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "has":
            return queryset.filter(Exists(Tag.objects.filter(alias_of=OuterRef("pk"))))
        if self.value() not in ("no", "yes"):
            return queryset
        return queryset.filter(alias_of__isnull=self.value() == "no")


def found_by(queryset: Any, text: str) -> Any:
    """Those with all words of a text in their names, or in that of an alias, in any case."""
    parts = [Q(folded__like=names.part_pattern(word)) for word in text.split()]
    aliases = Tag.objects.filter(*parts, alias_of__isnull=False)
    targets = list(aliases.order_by("alias_of").values_list("alias_of", flat=True)[:MOST_TARGETS])
    by_name = Q(*parts)
    return queryset.filter(by_name | Q(pk__in=targets) if targets else by_name)


def _categories(request: HttpRequest) -> list[str]:
    viewer = viewer_of_staff(request)
    if viewer.project is not None:
        shown = Tag.objects.shown_to(viewer).exclude(category="").order_by("category")
        return list(shown.values_list("category", flat=True).distinct()[:MOST_CATEGORIES])
    with connection.cursor() as cursor:
        cursor.execute(CATEGORIES, [MOST_CATEGORIES])
        return [category for (category,) in cursor.fetchall()]
