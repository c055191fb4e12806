"""The list of images and the grid: two views of what is found, with one search, one selection and
one bar of actions."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import OperationalError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from rest_framework.exceptions import ValidationError

from images.admin import counts, facets, selection, workplace
from images.admin.actions import Listed, done, listed_images
from images.admin.asking import asked
from images.admin.columns import COLUMNS, Images, StateFilter
from images.admin.grid import GridPage, grid_page
from images.admin.uploads import UploadFilter
from images.models import Image
from images.querysets import ImageQuerySet
from search.ordering import NEWEST
from search.results import SearchResults
from taggedimages.http.errors import flattened, problem_of
from taggedimages.http.rate_limits import limit
from taggedimages.identity.admin import project_of_staff, viewer_of_staff
from taggedimages.identity.rate_limits import Kind

LIST_PAGE = 50
GRID_TEMPLATE = "admin/images/image/grid.html"


class ImageLists(admin.ModelAdmin[Image]):
    """Of the admin of images: all that shows many of them."""

    list_display = COLUMNS
    list_display_links = None
    search_fields = ("filename",)
    list_select_related = ("created_by",)
    list_per_page = LIST_PAGE
    show_full_result_count = False
    ordering = ("-created_at", "-id")
    # Of Django's own; ours lead to plans.
    actions = None

    def get_queryset(self, request: HttpRequest) -> ImageQuerySet:
        return listed_images(request)

    def get_list_filter(self, request: HttpRequest) -> tuple[Any, ...]:
        usual = (StateFilter, UploadFilter, "visibility")
        return (*usual, "project") if project_of_staff(request) is None else usual

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[Images]:
        return Images

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("selection/", view(self.selection_view), name="images_image_selection"),
            path("facets/", view(self.facets_view), name="images_image_facets"),
            *super().get_urls(),
        ]

    def selection_view(self, request: HttpRequest) -> HttpResponse:
        """What is selected (`selection.view`)."""
        self.check_seeing(request)
        return selection.view(request, self.get_queryset(request))

    def facets_view(self, request: HttpRequest) -> HttpResponse:
        """The tags of what a search finds (`facets.view`)."""
        self.check_seeing(request)
        return facets.view(request, self.admin_site)

    def check_seeing(self, request: HttpRequest) -> None:
        """Raise PermissionDenied where somebody is to see no images at all."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """List or grid; of a POST, the answer of the bar of actions."""
        self.check_seeing(request)
        here = request.get_full_path()
        own = workplace.take_own(request)
        view = workplace.view_of(request, own.get("view"))
        of_selection = own.get("selected") == "1"
        if of_selection:
            view = workplace.GRID
        if request.method == "POST":
            try:
                listed = self.listed(request, view, of_selection=of_selection)
            except IncorrectLookupParameters:
                return HttpResponseRedirect(f"{request.path}?e=1")
            if answer := done(request, listed, here):
                return answer
        if view == workplace.GRID:
            return self.grid_view(request, own, of_selection=of_selection)
        return self.list_view(request, extra_context)

    def listed(self, request: HttpRequest, view: str, *, of_selection: bool) -> Listed:
        """What the page lists that sends a form. Raises IncorrectLookupParameters."""
        text = request.GET.get("q", "")
        if view == workplace.GRID or request.POST.get("select_across") != "1":
            return Listed(text, is_selection=of_selection)
        is_filtered = bool(workplace.filters(request) - {StateFilter.parameter_name})
        images: Any = self.get_changelist_instance(request).queryset
        return Listed(text, images=images, is_filtered=is_filtered)

    def grid_view(
        self, request: HttpRequest, own: dict[str, str], *, of_selection: bool
    ) -> HttpResponse:
        """A page of pictures, of a search or of what is selected."""
        text = request.GET.get("q", "")
        ids = selection.selected(request) if of_selection else None
        page = grid_page(request, own, text, viewer_of_staff(request), ids)
        return self.page_of(request, page, of_selection=of_selection)

    def page_of(
        self, request: HttpRequest, page: GridPage, *, of_selection: bool = False
    ) -> HttpResponse:
        """The grid as a page; without pictures it says what the trouble is."""
        text, ids = request.GET.get("q", ""), [cell.id for cell in page.cells]
        context = {
            **self.admin_site.each_context(request),
            **workplace.context(request, workplace.GRID, of_selection=of_selection, ids=ids),
            "opts": self.opts,
            "title": "Select images",
            "page": page,
            "total": page.total,
            "cells": [
                (cell, workplace.image_url(cell.id, text, None if of_selection else at))
                for at, cell in enumerate(page.cells, page.first)
            ],
            "same": workplace.same(text, of_selection=of_selection),
            "missing": len(selection.selected(request)) - page.total if of_selection else 0,
        }
        return TemplateResponse(request, GRID_TEMPLATE, context)

    def list_view(self, request: HttpRequest, extra_context: dict[str, Any] | None) -> HttpResponse:
        """Django's list, with what the grid has besides."""
        try:
            answer = super().changelist_view(request, extra_context)
        except OperationalError as error:
            told = problem_of(error)
            return self.page_of(request, GridPage([], 0, 0, problem=told.message if told else ""))
        shown: Any = getattr(answer, "context_data", None)
        if shown and "cl" in shown:
            ids = [image.pk for image in shown["cl"].result_list]
            shown |= workplace.context(request, workplace.LIST, of_selection=False, ids=ids)
            shown["total"] = shown["cl"].result_count
            # Their tags would be counted without the filters.
            shown["is_filtered"] = bool(workplace.filters(request))
            shown["is_cut"] = shown["is_filtered"] and shown["total"] >= counts.FILTERED_MAX
        return answer

    def get_paginator(
        self, request: HttpRequest, queryset: Any, *args: Any, **options: Any
    ) -> Paginator[Image]:
        """Pages, counted by `counts.count`. The history of an image is paged as well, and has no
        images."""
        pages: Paginator[Image] = super().get_paginator(request, queryset, *args, **options)
        if queryset.model is Image:
            pages.count = counts.count(request, queryset)
        return pages

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """What is found among all images, ended ones too; in their order where none is asked for.

        Raises RateExceeded.
        """
        try:
            query, order = asked(search_term, viewer_of_staff(request))
        except ValidationError as error:
            self.message_user(request, "; ".join(flattened(error.detail)), messages.ERROR)
            return queryset.none(), False
        if query.is_expensive:
            limit(request, Kind.SEARCHES)
        found = SearchResults(query, viewer_of_staff(request), order, images=queryset).images
        if order == NEWEST:
            return found.order_by(*queryset.query.order_by), False
        return found, False
