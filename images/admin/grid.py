"""The grid of images: what a search finds as pictures, 60 a page, on and back by cursors.

A cursor is a place in the order, so that whatever comes or goes meanwhile, the next page begins
after the last picture and the page before ends before the first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError
from django.http import HttpRequest
from django.utils.http import urlencode
from rest_framework.exceptions import ValidationError

from images.admin.asking import asked
from images.admin.cells import Cell, cells
from images.visibility import Viewer
from search.ordering import ORDERS, KeysetPosition
from search.query import Query
from search.results import Page, SearchResults
from search.v1.cursors import cursor_at, position_of
from taggedimages.http.errors import problem_of
from taggedimages.http.fields import MAX_INT64, WHOLE_NUMBER
from taggedimages.http.rate_limits import limit
from taggedimages.identity.rate_limits import Kind

PAGE = 60


@dataclass(frozen=True)
class GridPage:
    """A page of pictures; `next` and `previous` are the parameters of the pages beside it, empty
    where there is none, and `first` the place of its first picture, from 0."""

    cells: list[Cell]
    total: int
    first: int
    next: str = ""
    previous: str = ""
    problem: str = ""

    @property
    def last(self) -> int:
        """How many there are up to the end of the page."""
        return self.first + len(self.cells)


def grid_page(
    request: HttpRequest,
    own: Mapping[str, str],
    text: str,
    viewer: Viewer,
    ids: list[int] | None,
) -> GridPage:
    """The page of what a text finds, or of images by their ids, that is `after` or `before` a
    cursor; `at` says which place its first picture has.

    What cannot be asked is said in the page's `problem`. Raises RateExceeded.
    """
    after, before, at = own.get("after"), own.get("before"), _at(own.get("at", ""))
    try:
        query, order = (Query(ids=tuple(ids)), "newest") if ids is not None else asked(text, viewer)
        if query.is_expensive:
            limit(request, Kind.SEARCHES)
        return _page(query, order, viewer, after, before, at)
    except (ValidationError, OperationalError) as error:
        told = problem_of(error)
        return GridPage([], 0, 0, problem=told.message if told else "")


def _page(
    query: Query, order: str, viewer: Viewer, after: str | None, before: str | None, at: int
) -> GridPage:
    if before:
        there = _page_before(query, order, viewer, position_of(before, order))
        if there is not None:
            return _shown(there, order, at, comes_back=True)
        # Less than a page is before it: that is the first page.
        after, at = None, 0
    position = position_of(after, order) if after else None
    found = SearchResults(query, viewer, order).page(PAGE, 0, position)
    if position is not None and not found.records:
        # What followed is gone: the last place is lost to nobody who is shown the first page.
        found, position, at = SearchResults(query, viewer, order).page(PAGE), None, 0
    return _shown(found, order, at if position else 0, has_before=position is not None)


def _page_before(query: Query, order: str, viewer: Viewer, position: KeysetPosition) -> Page | None:
    """The whole page before a position, from its end; None where it would not be whole, or is the
    first."""
    # From its end, an order is none that has a name.
    backwards: Any = ORDERS[order].reversed()
    found = SearchResults(query, viewer, backwards).page(PAGE, 0, position)
    return found._replace(records=found.records[::-1]) if found.last else None


def _shown(
    found: Page, order: str, first: int, *, has_before: bool = True, comes_back: bool = False
) -> GridPage:
    shown = cells([record.id for record in found.records], ORDERS[order].key)
    # One that went meanwhile has left the page.
    every = [shown[record.id] for record in found.records if record.id in shown]
    if not every:
        return GridPage([], found.total, 0)
    follows = comes_back or found.last is not None
    return GridPage(
        every,
        found.total,
        first,
        next=_to("after", every[-1], order, first + len(found.records)) if follows else "",
        previous=_to("before", every[0], order, max(first - PAGE, 0)) if has_before else "",
    )


def _to(name: str, cell: Cell, order: str, at: int) -> str:
    cursor = cursor_at(KeysetPosition(cell.sort_key, cell.id), order)
    return urlencode({name: cursor, "at": str(at)})


def _at(at: str) -> int:
    return min(int(at), MAX_INT64) if WHOLE_NUMBER.match(at) and int(at) > 0 else 0
