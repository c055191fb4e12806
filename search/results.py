"""What a query finds: how many, and a page of records or all of them, at the least cost there is.

What the tag index has a plan for is counted by it, and paged by it where the newest come first;
the rest goes row by row, by `search.query.find`, which says what is right for both.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth.models import AnonymousUser

from images.visibility import Viewer
from search.executor import counts, fetch, pages
from search.executor.fetch import Record
from search.ordering import ORDERS, Position
from search.planner.resolution import Plan, plan
from search.query import Query, find
from taggedimages.identity.models import User
from taggedimages.postgresql.limits import ends_within
from taggedimages.postgresql.routing import read_connection

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
    return counts.total(planned).images if planned else find(query, user).count()


def page(
    query: Query,
    user: User | AnonymousUser | None,
    limit: int,
    offset: int = 0,
    after: Position | None = None,
) -> Page:
    """The page that starts `offset` images after a position, in the query's order."""
    # What a pattern stands for is anybody's guess: whoever asks is told soon.
    most = settings.PATTERN_TIMEOUT_MS if query.match_tags else 0
    with ends_within(most, read_connection()):
        return _page(query, user, limit, offset, after)


def _page(
    query: Query,
    user: User | AnonymousUser | None,
    limit: int,
    offset: int,
    after: Position | None,
) -> Page:
    planned = plan(query, Viewer.of(user))
    if planned and query.order == Query.order:
        return _newest_first(planned, limit, offset, after)
    images = find(query, user)
    total = counts.total(planned).images if planned else images.order_by().count()
    # One more tells whether others follow.
    order = ORDERS[query.order]
    found = order.positions(images, limit + 1, offset, after) if offset < total else []
    shown = found[:limit]
    last = shown[-1] if len(found) > limit else None
    return Page(total, fetch.of([position.image for position in shown]), last)


def _newest_first(plan: Plan, limit: int, offset: int, after: Position | None) -> Page:
    if counts.by_few_links(plan) and not plan.impossible:
        asked = pages.counted(replace(plan, after=after), limit + 1, offset)
        page = Page(*fetch.newest_counted(*asked, limit))
        if page.records or not (offset or after):
            return page
    total = counts.total(plan)
    if offset >= total.images:
        return Page(total.images, [], None)
    if total.newest is not None:
        found = total.newest.page(limit + 1, offset, after)
        # Told by what was found, for an image that was hidden since is no longer among the records.
        last = found[limit - 1] if len(found) > limit else None
        shown, _ = fetch.newest(*pages.known(plan, [at.image for at in found[:limit]]), limit)
        return Page(total.images, shown, last)
    plan = replace(plan, after=after)
    shown, last = fetch.newest(*pages.statement(plan, total, limit + 1, offset), limit)
    return Page(total.images, shown, last)


def walk(
    query: Query, user: User | AnonymousUser | None, after: Position | None = None
) -> Iterator[list[Record]]:
    """All that is found after a position, by chunks, each of a moment of its own.

    What is there throughout comes once, whatever else is made, changed or deleted meanwhile.
    """
    positions = _positions(query, user)
    while found := positions(CHUNK, after=after):
        yield fetch.of([position.image for position in found])
        after = found[-1]


def _positions(query: Query, user: User | AnonymousUser | None) -> Callable[..., list[Position]]:
    """What tells where so many of the images stand, after a position."""
    planned = plan(query, Viewer.of(user))
    if not planned or query.order != Query.order:
        return partial(ORDERS[query.order].positions, find(query, user))
    total = counts.total(planned)
    # Some may get an end that lies ahead, and go on being shown until then.
    # Which match is asked anew for each chunk, for it may change on the way.
    total = total._replace(ending=max(total.ending, 1), newest=None)
    return partial(pages.page, planned, total)
