"""What a query finds: how many, and a page of records or all of them, at the least cost there is.

What the tag index has a plan for is counted by it, and paged by it where the newest come first;
the rest goes row by row, by `search.query.find`, which says what is right for both.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple, Protocol

from django.contrib.auth.models import AnonymousUser

from images.audience import Viewer
from search import counting, pages
from search.orders import ORDERS, Position
from search.plans import plan
from search.query import Query, find
from search.records import Record, records
from taggedimages.identity.models import User

# Records of a whole walk that are in memory at a time.
CHUNK = 500


class Page(NamedTuple):
    """A page of what was found, and how much there is on all pages."""

    total: int
    records: list[Record]
    # Of the last image, where others follow.
    last: Position | None


def total(query: Query, user: User | AnonymousUser | None) -> int:
    """How many images match that a user may see."""
    planned = plan(query, Viewer.of(user))
    return counting.total(planned).images if planned else find(query, user).count()


class Positions(Protocol):
    """Where some of what was found stands: so many, from `offset` images after a position."""

    def __call__(
        self, limit: int, offset: int = 0, after: Position | None = None
    ) -> list[Position]: ...


def page(
    query: Query,
    user: User | AnonymousUser | None,
    limit: int,
    offset: int = 0,
    after: Position | None = None,
) -> Page:
    """The page that starts `offset` images after a position, in the query's order."""
    count, positions = _found(query, user)
    total = count()
    # One more tells whether others follow.
    found = positions(limit + 1, offset, after) if offset < total else []
    shown = found[:limit]
    last = shown[-1] if len(found) > limit else None
    return Page(total, records([position.image for position in shown]), last)


def walk(
    query: Query, user: User | AnonymousUser | None, after: Position | None = None
) -> Iterator[list[Record]]:
    """All that is found after a position, by chunks, each of a moment of its own.

    What is there throughout comes once, whatever else is made, changed or deleted meanwhile.
    """
    _, positions = _found(query, user, for_long=True)
    while found := positions(CHUNK, after=after):
        yield records([position.image for position in found])
        after = found[-1]


def _found(
    query: Query, user: User | AnonymousUser | None, for_long: bool = False
) -> tuple[Callable[[], int], Positions]:
    """What tells how many match, and what tells where they stand."""
    planned = plan(query, Viewer.of(user))
    if planned and query.order == Query.order:
        counted = counting.total(planned)
        if for_long:
            # Some may get an end that lies ahead, and go on being shown until then.
            counted = counted._replace(ending=max(counted.ending, 1))
        return lambda: counted.images, partial(pages.page, planned, counted)
    images = find(query, user)
    positions = partial(ORDERS[query.order].positions, images)
    if planned:
        return lambda: counting.total(planned).images, positions
    return images.order_by().count, positions
