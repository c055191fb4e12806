"""What a query finds: how many, and a page of records, at the least cost there is.

What the tag index has a plan for is counted by it, and paged by it where the newest come first;
the rest goes row by row, by `search.query.find`, which says what is right for both.
"""

from typing import NamedTuple

from django.contrib.auth.models import AnonymousUser

from images.audience import Viewer
from search import counting, pages
from search.plans import plan
from search.query import Query, find
from search.records import Record, records
from taggedimages.identity.models import User


class Page(NamedTuple):
    """A page of what was found, and how much there is on all pages."""

    total: int
    records: list[Record]


def total(query: Query, user: User | AnonymousUser | None) -> int:
    """How many images match that a user may see."""
    planned = plan(query, Viewer.of(user))
    return counting.total(planned).images if planned else find(query, user).count()


def page(query: Query, user: User | AnonymousUser | None, limit: int, offset: int) -> Page:
    """The page that starts after `offset` images, in the query's order."""
    planned = plan(query, Viewer.of(user))
    if planned and query.order == Query.order:
        counted = counting.total(planned)
        return Page(counted.images, records(pages.page(planned, counted, limit, offset)))
    images = find(query, user)
    found = counting.total(planned).images if planned else images.count()
    ids = images.values_list("pk", flat=True)[offset : offset + limit] if offset < found else []
    return Page(found, records(list(ids)))
