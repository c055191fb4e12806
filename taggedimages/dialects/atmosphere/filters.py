"""What narrows and orders the lists (contract Atmosphere, filters)."""

import re
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.db.models import F, QuerySet
from django.db.models.expressions import OrderBy
from django.db.models.lookups import IsNull
from django_filters import BooleanFilter, CharFilter
from django_filters.rest_framework import FilterSet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from images.audience import Viewer
from images.models import Image
from images.querysets import ImageQuerySet
from search import lookups
from search.executor.substrings import containing
from search.listing import Found, Listing, unended_first
from search.lookups import TagValues
from search.query import Query
from search.results import total
from taggedimages.dialects.atmosphere import references
from taggedimages.dialects.atmosphere.references import ReferenceFilter
from tags import counters
from tags.models import ImageTag, Tag

FEATURED = "featured"
ORDERS = {"name": "name", "start_date": "created_at", "end_date": "ended_at", "id": "id"}


class ImageFilters(FilterSet):  # type: ignore[misc]  # the library has no types
    """Parameters of GET /images; all that are given must hold."""

    tag_name = CharFilter(method="tagged", strip=False, help_text="Exact name of a tag.")
    tags__name = CharFilter(method="tagged", strip=False, help_text="The same.")
    created_by = CharFilter("created_by__username", strip=False, help_text="User name.")
    created_by__username = CharFilter("created_by__username", strip=False, help_text="The same.")
    search = CharFilter(
        method="with_words",
        help_text="Words that must all occur, in any case, in id, name, description, tags or "
        "creator.",
    )
    featured = BooleanFilter(method="with_featured", help_text="Tagged `featured`, in any case.")
    ordering = CharFilter(
        method="ordered", help_text="`name`, `start_date`, `end_date` or `id`; `-` reverses."
    )

    class Meta:
        model = Image
        fields: list[str] = []

    def filter_queryset(self, images: ImageQuerySet) -> ImageQuerySet | Found | Listing[Image]:
        asked = {name: value for name, value in self.form.cleaned_data.items() if value is not None}
        narrowed: ImageQuerySet = super().filter_queryset(images)
        query = _query(asked)
        if query is None:
            return narrowed
        order = _orders(asked.get("ordering") or "")
        current = not includes_ended(self.request)
        return unended_first(narrowed, query, self.request.user, order, current=current)

    @extend_schema_field(OpenApiTypes.STR)
    def tagged(self, images: ImageQuerySet, field: str, name: str) -> ImageQuerySet:
        return lookups.exact_tags(images, (name,))

    @extend_schema_field(OpenApiTypes.STR)
    def with_words(self, images: ImageQuerySet, field: str, text: str) -> ImageQuerySet:
        words = re.split(r"[\s,]+", text.strip(", "))
        if len(words) > settings.MAX_SEARCH_TERMS:
            raise ValidationError({"search": [f"At most {settings.MAX_SEARCH_TERMS} words."]})
        return containing(images, [word for word in words if word])

    @extend_schema_field(OpenApiTypes.BOOL)
    def with_featured(self, images: ImageQuerySet, field: str, asked: bool) -> ImageQuerySet:
        featured = lookups.match_tags(images, (FEATURED,))
        return featured if asked else images.exclude(pk__in=featured.order_by().values("pk"))

    @extend_schema_field(OpenApiTypes.STR)
    def ordered(self, images: ImageQuerySet, field: str, orders: str) -> ImageQuerySet:
        terms = _orders(orders)
        return images.order_by(*terms) if terms else images


def includes_ended(request: Request) -> bool:
    """Whether ended images are asked for too."""
    return request.query_params.get("include_ended", "").lower() in ("true", "1")


def in_default_order(images: ImageQuerySet) -> ImageQuerySet:
    """What has no end first, then the newest; ties broken by id, so that pages never overlap."""
    return images.order_by(IsNull(F("ended_at"), True).desc(), "-created_at", "-id")


def _query(asked: dict[str, Any]) -> Query | None:
    """What the parameters narrow, as a Query; None where there is none that says it."""
    if asked.get("created_by") or asked.get("created_by__username") or asked.get("search"):
        return None
    names = [name for name in (asked.get("tag_name"), asked.get("tags__name")) if name]
    query = Query(exact_tags=tuple(names))
    match asked.get("featured"):
        case True:
            return replace(query, match_tags=(FEATURED,))
        case False:
            featured = Tag.objects.filter(folded=FEATURED).values_list("name", flat=True)
            return replace(query, without_any=tuple(map(TagValues, featured)))
    return query


def _orders(orders: str) -> list[OrderBy]:
    """The terms of `ordering`, and what breaks ties; none where none is known."""
    known = [_order(order.strip()) for order in orders.split(",")]
    terms = [term for term in known if term is not None]
    return [*terms, F("id").desc()] if terms else []


def _order(order: str) -> OrderBy | None:
    """One term of `ordering`; None for an unknown one, which is ignored."""
    column = ORDERS.get(order.removeprefix("-"))
    if column is None:
        return None
    # What has no end comes first in either direction; the other columns are never null.
    nulls: dict[str, Any] = {"nulls_first": True} if column == "ended_at" else {}
    return F(column).desc(**nulls) if order.startswith("-") else F(column).asc(**nulls)


class ImageTagFilters(FilterSet):  # type: ignore[misc]  # the library has no types
    """Parameters of GET /image_tags."""

    application__id = ReferenceFilter("image", help_text="Id of the image.")
    image = ReferenceFilter("image", help_text="The same.")
    tag = ReferenceFilter(method="of_tag", help_text="Id of the tag.")
    tag__name = CharFilter(method="of_tag", strip=False, help_text="Exact name of the tag.")

    class Meta:
        model = ImageTag
        fields: list[str] = []

    def filter_queryset(self, links: QuerySet[ImageTag]) -> QuerySet[ImageTag] | Listing[ImageTag]:
        given = {name: value for name, value in self.form.cleaned_data.items() if value}
        user = self.request.user
        if not given:
            viewer = Viewer.of(user)
            told = counters.count_links_statement(viewer).text
            return Listing(links, lambda: counters.count_links(viewer), told=told)
        self.wanted_tag = _tag(given)
        narrowed: QuerySet[ImageTag] = super().filter_queryset(links)
        if given.keys() <= {"tag", "tag__name"}:
            # An image has a tag once.
            return Listing(narrowed, lambda: total(Query(tag_id=self.wanted_tag), user))
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
        tags = tags.filter(name=given["tag__name"])
    return tags.values_list("pk", flat=True).first() or 0
