"""From an image to the one before or after it in the search that one came from, and back to its
list.

Links to images carry the text of the search as `from`, and as `at` the place in it, from 0. Nothing
is asked of the search before one takes a step.
"""

from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.admin.views.main import PAGE_VAR
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from rest_framework.exceptions import ValidationError

from images.admin.asking import asked
from images.admin.grid import PAGE
from images.admin.lists import LIST_PAGE
from images.admin.workplace import LIST, VIEW_KEY
from images.models import Image
from images.querysets import ImageQuerySet
from search.ordering import ORDERS, KeysetPosition
from search.results import Beside, SearchResults
from search.v1.cursors import cursor_at
from taggedimages.http.errors import problem_of
from taggedimages.http.rate_limits import limit
from taggedimages.identity.admin import viewer_of_staff
from taggedimages.identity.rate_limits import Kind

WAYS = {"previous": -1, "next": 1}
BACK = "back"
# Places that are looked at; what is beyond is nobody's.
MOST_DIGITS = 9


class CameFrom(NamedTuple):
    """A search, by its text, and a place in it; None where that is not known."""

    text: str
    at: int | None

    @property
    def parameters(self) -> dict[str, Any]:
        """What links carry."""
        return {"from": self.text} | ({} if self.at is None else {"at": self.at})


class Steps(NamedTuple):
    """The ways from an image: addresses, and its number in the search, from 1. No way back is
    before the first."""

    text: str
    number: int | None
    previous: str
    next: str
    back: str


def came_from(request: HttpRequest) -> CameFrom | None:
    """The search that a request names; None where it names none."""
    if "from" not in request.GET:
        return None
    at = request.GET.get("at", "")
    is_place = at.isascii() and at.isdigit() and len(at) <= MOST_DIGITS
    return CameFrom(request.GET["from"], int(at) if is_place else None)


def steps(request: HttpRequest, id: int) -> Steps | None:
    """The ways from an image, where one came from a search. Asks the database nothing."""
    came = came_from(request)
    if came is None:
        return None
    url = reverse("admin:images_image_step", args=[id])

    def way(to: str) -> str:
        return f"{url}?{urlencode(came.parameters | {'to': to})}"

    return Steps(
        text=came.text,
        number=None if came.at is None else came.at + 1,
        previous="" if came.at == 0 else way("previous"),
        next=way("next"),
        back=way(BACK),
    )


def step(request: HttpRequest, images: ImageQuerySet, id: int) -> HttpResponse:
    """Lead to the image `to` which one goes from this one: `previous` or `next` in the search; or
    `back` to the page of the list that this one is on. At an end, say so and stay.

    Raises Http404.
    """
    came = came_from(request) or CameFrom("", None)
    to = request.GET.get("to", "")
    try:
        query, order = asked(came.text, viewer_of_staff(request))
        if query.is_expensive:
            limit(request, Kind.SEARCHES)
        results = SearchResults(query, viewer_of_staff(request), order)
        image: Any = get_object_or_404(images.annotate(sort_key=ORDERS[order].key), pk=id)
        if to == BACK:
            return HttpResponseRedirect(_list(came, _page(request, results, order, came.at or 0)))
        own, way = KeysetPosition(image.sort_key, image.pk), WAYS.get(to, 1)
        found = results.beside(own, way, came.at)
    except (ValidationError, OperationalError) as error:
        told = problem_of(error)
        messages.error(request, told.message if told else "That cannot be searched for.")
        return HttpResponseRedirect(_list(came, {}) if to == BACK else _page_of(id, came))
    if came.at is not None and found.place != came.at:
        messages.info(request, _moved(image, found))
    if found.image is None:
        messages.info(request, f"This is the {'last' if way > 0 else 'first'} image of the search.")
        return HttpResponseRedirect(_page_of(id, CameFrom(came.text, found.place)))
    return HttpResponseRedirect(_page_of(found.image, CameFrom(came.text, found.at)))


def _moved(image: Image, found: Beside) -> str:
    if found.place is None:
        return f"The search does not find {image.filename} there any more."
    return f"The search has changed: {image.filename} is number {found.place + 1} of it by now."


def _page(request: HttpRequest, results: SearchResults, order: str, at: int) -> dict[str, Any]:
    """The parameters of the page that a place is on, of the list or of the grid, as one last had
    them."""
    if request.session.get(VIEW_KEY, LIST) == LIST:
        return {PAGE_VAR: at // LIST_PAGE + 1} if at >= LIST_PAGE else {}
    first = at - at % PAGE
    if not first:
        return {}
    before = results.page(1, first - 1).last
    return {"after": cursor_at(before, order), "at": first} if before else {}


def _list(came: CameFrom, page: dict[str, Any]) -> str:
    asked_for = ({"q": came.text} if came.text else {}) | page
    url = reverse("admin:images_image_changelist")
    return f"{url}?{urlencode(asked_for)}" if asked_for else url


def _page_of(id: int, came: CameFrom) -> str:
    return f"{reverse('admin:images_image_change', args=[id])}?{urlencode(came.parameters)}"
