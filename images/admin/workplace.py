"""What list and grid have in common: which of them is shown, the search with its conditions, the
selection, and what may be done."""

from typing import Any

from django.contrib.admin.options import IS_FACETS_VAR, IS_POPUP_VAR, TO_FIELD_VAR
from django.contrib.admin.views.main import (
    ALL_VAR,
    ERROR_FLAG,
    IGNORED_PARAMS,
    ORDER_VAR,
    PAGE_VAR,
    SEARCH_VAR,
)
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from images.admin import actions, selection
from images.admin.asking import ORDER, pairs
from images.admin.conditions import conditions, ordered
from search.ordering import NEWEST, ORDERS

LIST, GRID = "list", "grid"
VIEW_KEY = "images.view"
# Parameters of ours, which Django would take for look-ups.
OWN = ("view", "after", "before", "at", "selected")
SEARCH_HELP = (
    "An id, a uuid or a part of the filename; or conditions as /v1/search/images takes them, "
    "such as exact_tags=knee|left&min_width=512&order=largest; with implied=true, tags that "
    "imply these count, too"
)
ORDER_WORDS = {
    "newest": "newest",
    "oldest": "oldest",
    "uploaded": "file came last",
    "largest": "largest",
    "smallest": "smallest",
    "filename": "filename",
}


def take_own(request: HttpRequest) -> dict[str, str]:
    """The parameters of ours, taken out of the request."""
    given = request.GET.copy()
    own = {name: given.pop(name)[-1] for name in OWN if name in given}
    request.GET = given  # type: ignore[assignment]
    return own


def filters(request: HttpRequest) -> set[str]:
    """The parameters that narrow a list besides its search."""
    return set(request.GET) - {*IGNORED_PARAMS, PAGE_VAR, ERROR_FLAG}


def view_of(request: HttpRequest, wanted: str | None) -> str:
    """Which view is shown: the one that is asked for, which is remembered, or the last one.

    Filters, sorted columns and windows to choose an image in are of the list alone.
    """
    if wanted in (LIST, GRID) and request.session.get(VIEW_KEY) != wanted:
        request.session[VIEW_KEY] = wanted
    of_list = {ORDER_VAR, PAGE_VAR, ALL_VAR, IS_POPUP_VAR, TO_FIELD_VAR, IS_FACETS_VAR}
    if filters(request) or of_list & set(request.GET):
        return LIST
    return str(request.session.get(VIEW_KEY, LIST))


def context(
    request: HttpRequest, view: str, *, of_selection: bool, ids: list[int]
) -> dict[str, Any]:
    """What the templates of both views show besides the images, which have these ids."""
    text = request.GET.get(SEARCH_VAR, "")
    chosen = set(selected := selection.selected(request))
    return {
        "text": text,
        "search_help": SEARCH_HELP,
        "view": view,
        "views": [(name, _here(view=name, **_asked(text))) for name in (LIST, GRID)],
        "conditions": [(one, _here(**_asked(one.without))) for one in conditions(text)],
        "orders": _orders(text),
        "everything": _here(),
        "selected_count": len(selected),
        "selected_ids": chosen,
        "selected_url": _here(selected="1", view=GRID),
        "of_selection": of_selection,
        "on_page": ",".join(map(str, ids)),
        "actions": actions.offered(request),
        "sent": request.POST,
        "retag": reverse("admin:images_image_changelist") + "retag/",
        "selection": reverse("admin:images_image_selection"),
        "suggest": reverse("admin:tags_tag_changelist") + "suggest/",
        "facets_url": f"{reverse('admin:images_image_facets')}?{urlencode(_asked(text))}",
    }


def image_url(image: int, text: str, place: int | None) -> str:
    """The page of an image, with the search that one comes from and its place in that, from 0."""
    page = reverse("admin:images_image_change", args=[image])
    if place is None:
        return page
    return f"{page}?{urlencode({'from': text, 'at': str(place)})}"


def same(text: str, *, of_selection: bool) -> str:
    """The parameters that other pages of a grid have as well, each followed by `&`."""
    if of_selection:
        return "selected=1&"
    return f"{urlencode(_asked(text))}&" if text else ""


def _orders(text: str) -> list[tuple[str, str, bool]]:
    """The orders in words, with where they lead, and which it is now."""
    now = next((pair.value for pair in pairs(text)[::-1] if pair.name == ORDER), NEWEST)
    return [
        (ORDER_WORDS[order], _here(**_asked(ordered(text, order))), order == now)
        for order in ORDERS
    ]


def _asked(text: str) -> dict[str, str]:
    return {SEARCH_VAR: text} if text else {}


def _here(**parameters: str) -> str:
    page = reverse("admin:images_image_changelist")
    return f"{page}?{urlencode(parameters)}" if parameters else page
