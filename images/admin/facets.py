"""Tags with counts of what was found, beside a list of images: each narrows the search."""

from typing import Any

from django.contrib.admin import AdminSite
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from rest_framework.exceptions import ValidationError

from images.admin.asking import Pair, asked, pairs
from images.admin.conditions import added
from search.results import SearchResults
from taggedimages.http.errors import problem_of
from taggedimages.http.rate_limits import limit
from taggedimages.identity.admin import viewer_of_staff
from taggedimages.identity.rate_limits import Kind

TEMPLATE = "admin/images/image/facets.html"


def view(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """The most frequent tags of what `q` finds, 100 at most; with `fragment=1` only their list.

    Raises RateExceeded: all that is found is counted.
    """
    text = request.GET.get("q", "")
    limit(request, Kind.SEARCHES)
    context: dict[str, Any] = {"text": text, "title": "Tags of what was found"}
    try:
        query, order = asked(text, viewer_of_staff(request))
        found = SearchResults(query, viewer_of_staff(request), order)
        context["facets"] = [_shown(text, tag["name"], tag["count"]) for tag in found.facets()]
    except (ValidationError, OperationalError) as error:
        told = problem_of(error)
        context["problem"] = told.message if told else ""
    context["fragment"] = request.GET.get("fragment") == "1"
    if not context["fragment"]:
        context |= site.each_context(request) | {"back": _list_of(text)}
    return render(request, TEMPLATE, context)


def _shown(text: str, name: str, count: int) -> dict[str, Any]:
    return {
        "name": name,
        "count": count,
        "is_asked": Pair("exact_tags", name) in pairs(text),
        "with_it": _list_of(added(text, "exact_tags", name)),
        "without_it": _list_of(added(text, "not_tags", name)),
    }


def _list_of(text: str) -> str:
    return f"{reverse('admin:images_image_changelist')}?{urlencode({'q': text})}"
