"""What narrows and orders the lists (contract Atmosphere, filters)."""

import re
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.db.models.expressions import OrderBy
from django.db.models.functions import Now
from django.http import QueryDict
from django_filters import CharFilter
from django_filters.rest_framework import FilterSet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from images.models import Image
from images.querysets import ImageQuerySet
from images.visibility import Viewer
from search.ordering import UNENDED_FIRST, ColumnOrder
from search.query import NOTHING, Query, TagValues
from search.results import SearchResults
from taggedimages.dialects.atmosphere import parameters, references
from taggedimages.dialects.atmosphere.references import ReferenceFilter
from taggedimages.http.rate_limits import limit
from taggedimages.identity.rate_limits import Kind
from taggedimages.postgresql.deferred_join import DeferredJoin
from tags import counters, spelling
from tags.models import ImageTag, Tag, TagQuerySet

FEATURED = "featured"
ORDER_COLUMNS = {"name": "name", "start_date": "created_at", "end_date": "ended_at", "id": "id"}


class ImageFilters(FilterSet):  # type: ignore[misc]  # the library has no types
    """Parameters of GET /images; all that are given must hold."""

    tag_name = CharFilter(method="text", strip=False, help_text="Exact name of a tag.")
    tags__name = CharFilter(method="text", strip=False, help_text="The same.")
    created_by = CharFilter(method="text", strip=False, help_text="User name.")
    created_by__username = CharFilter(method="text", strip=False, help_text="The same.")
    search = CharFilter(
        method="text",
        help_text="Words that must all occur, in any case, in id, name, description, tags or "
        "creator.",
    )
    featured = CharFilter(method="flag", help_text="Tagged `featured`, in any case.")
    project_id = CharFilter(method="text", strip=False, help_text="Id of the project.")
    projects__id = CharFilter(method="text", strip=False, help_text="The same.")
    ordering = CharFilter(
        method="text", help_text="`name`, `start_date`, `end_date` or `id`; `-` reverses."
    )

    class Meta:
        model = Image
        fields: list[str] = []

    @extend_schema_field(OpenApiTypes.STR)
    def text(self, images: ImageQuerySet, field: str, value: str) -> ImageQuerySet:
        """What a parameter is; it narrows as a part of the Query."""
        return images

    @extend_schema_field(OpenApiTypes.BOOL)
    def flag(self, images: ImageQuerySet, field: str, value: str) -> ImageQuerySet:
        """Likewise."""
        return images

    def filter_queryset(self, images: ImageQuerySet) -> SearchResults | ImageQuerySet:
        """What was asked for, of images that are fetched as a queryset says.

        Raises ValidationError, RateExceeded.
        """
        given = self.request.query_params
        parameters.flag(given, "include_ended")
        order = _order_of(given.get("ordering"), current=not includes_ended(self.request))
        viewer = Viewer.of(self.request.user)
        query = _query(given)
        # `featured` is a name, though it is looked for in any case.
        if query.words:
            limit(self.request, Kind.SEARCHES)
        projects = {given[name] for name in ("project_id", "projects__id") if name in given}
        # Of the only project there is, nothing is asked of it.
        if not projects or (len(projects) == 1 and Image.objects.are_all_of(*projects)):
            return SearchResults(query, viewer, order, images=images)
        for project in projects:
            images = images.filter(project=project)
        # The index knows whose projects' images somebody sees, and no project by its id.
        return SearchResults(query, viewer, order, images=images).images


def includes_ended(request: Request) -> bool:
    """Whether ended images are asked for too."""
    return request.query_params.get("include_ended", "").lower() in ("true", "1")


def _query(given: QueryDict) -> Query:
    """What the parameters narrow, as a Query. Raises ValidationError."""
    creators = {
        str(given[name]) for name in ("created_by", "created_by__username") if name in given
    }
    names = (*given.getlist("tag_name"), *given.getlist("tags__name"))
    # No tag and no user has an empty name.
    if len(creators) > 1 or "" in {*creators, *names}:
        return NOTHING
    words = tuple(filter(None, re.split(r"[\s,]+", " ".join(given.getlist("search")))))
    if len(words) > settings.MAX_SEARCH_TERMS:
        raise ValidationError({"search": [f"At most {settings.MAX_SEARCH_TERMS} words."]})
    query = Query(exact_tags=names, words=words, created_by=next(iter(creators), None))
    if len(names) > settings.MAX_SEARCH_TERMS:
        raise ValidationError({"tag_name": [f"At most {settings.MAX_SEARCH_TERMS}."]})
    match parameters.flag(given, "featured"):
        case True:
            return replace(query, match_tags=(FEATURED,))
        case False:
            featured = Tag.objects.filter(folded=FEATURED).values_list("name", flat=True)
            return replace(query, without_any=tuple(map(TagValues, featured)))
    return query


def _order_of(ordering: str | None, *, current: bool) -> ColumnOrder:
    """The order that `ordering` asks for; without it, what has no end comes first, then the newest.
    Ties are broken by id, so that pages never overlap.

    Where only what is current is listed, an end lies ahead. Raises ValidationError.
    """
    ended = Q(ended_at__gt=Now()) if current else Q(ended_at__isnull=False)
    if ordering is None:
        return replace(UNENDED_FIRST, ended=ended)
    terms = [*(_order(order.strip()) for order in ordering.split(",")), F("id").desc()]
    first, *others = terms
    by_end = first.expression == F("ended_at")
    return ColumnOrder(tuple(terms), unended=tuple(others) if by_end else None, ended=ended)


def _order(order: str) -> OrderBy:
    """One term of `ordering`. Raises ValidationError."""
    column = ORDER_COLUMNS.get(order.removeprefix("-"))
    if column is None:
        known = ", ".join(ORDER_COLUMNS)
        raise ValidationError({"ordering": [f"Must be of: {known}; with - before it, reversed."]})
    # What has no end comes first in either direction; the other columns are never null.
    nulls: dict[str, Any] = {"nulls_first": True} if column == "ended_at" else {}
    return F(column).desc(**nulls) if order.startswith("-") else F(column).asc(**nulls)


class ImageVersionFilters(FilterSet):  # type: ignore[misc]  # the library has no types
    """Parameters of GET /image_versions."""

    image_id = ReferenceFilter("image", help_text="Id of the image.")
    image__id = ReferenceFilter("image", help_text="The same.")
    created_by = CharFilter(method="text", strip=False, help_text="User name.")

    class Meta:
        model = Image
        fields: list[str] = []

    @extend_schema_field(OpenApiTypes.STR)
    def text(self, images: ImageQuerySet, field: str, value: str) -> ImageQuerySet:
        return images

    def filter_queryset(self, images: ImageQuerySet) -> SearchResults | ImageQuerySet:
        given = self.request.query_params
        order = _order_of(None, current=True)
        ids = [given[name] for name in ("image_id", "image__id") if name in given]
        for asked in ids:
            images = images.filter(**(references.lookup(asked) or references.NOBODY))
        results = SearchResults(_query(given), Viewer.of(self.request.user), order, images=images)
        return results.images if ids else results


class TagFilters(FilterSet):  # type: ignore[misc]  # the library has no types
    """Parameters of GET /tags."""

    name = CharFilter(strip=False, help_text="Exactly.")

    class Meta:
        model = Tag
        fields: list[str] = []

    def filter_queryset(self, tags: TagQuerySet) -> TagQuerySet:
        return tags.filter(name=self.request.query_params["name"])


class ImageTagFilters(FilterSet):  # type: ignore[misc]  # the library has no types
    """Parameters of GET /image_tags."""

    application__id = ReferenceFilter("image", help_text="Id of the image.")
    image = ReferenceFilter("image", help_text="The same.")
    tag = ReferenceFilter(method="of_tag", help_text="Id of the tag.")
    tag__name = CharFilter(method="of_tag", strip=False, help_text="Exact name of the tag.")

    class Meta:
        model = ImageTag
        fields: list[str] = []

    def filter_queryset(
        self, links: QuerySet[ImageTag]
    ) -> QuerySet[ImageTag] | DeferredJoin[ImageTag]:
        asked = self.request.query_params
        given = {name: asked[name] for name in self.filters if name in asked}
        user = self.request.user
        if not given:
            viewer = Viewer.of(user)
            total = counters.count_links_statement(viewer)
            return DeferredJoin(
                links,
                lambda: counters.count_links(viewer),
                total_statement=total,
                near_statement=counters.near_link_statement(viewer),
            )
        self.wanted_tag = _tag(given)
        if given.get("tag__name") == "":
            # No tag has an empty name.
            return links.none()
        narrowed: QuerySet[ImageTag] = super().filter_queryset(links)
        if given.keys() <= {"tag", "tag__name"}:
            # An image has a tag once.
            tagged = SearchResults(Query(tag_id=self.wanted_tag), Viewer.of(user))
            return DeferredJoin(narrowed, tagged.count)
        return narrowed

    @extend_schema_field(OpenApiTypes.STR)
    def of_tag(self, links: QuerySet[ImageTag], field: str, value: str) -> QuerySet[ImageTag]:
        return links.filter(tag=self.wanted_tag)


def _tag(given: dict[str, str]) -> int:
    """The id of the tag that is meant, 0 for none.

    Looked up first: the database then knows how many links it has, and plans accordingly.
    """
    tags = Tag.objects.all()
    if "tag" in given:
        tags = tags.filter(**(references.lookup(given["tag"]) or references.NOBODY))
    if "tag__name" in given:
        tags = tags.filter(name=spelling.name(given["tag__name"]))
    return tags.values_list("pk", flat=True).first() or 0
