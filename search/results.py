"""What a query finds: how many, and a page of records, at the least cost there is.

Queries that the tag index has a plan for are counted and paged by it; the others row by row, by
`search.query.find`, which says what is right for both.
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


def page(query: Query, user: User | AnonymousUser | None, limit: int, offset: int) -> Page:
    """The page that starts after `offset` images, in the query's order."""
    planned = plan(query, Viewer.of(user))
    if planned is None:
        images = find(query, user)
        total = images.order_by().count()
        ids = list(images.values_list("pk", flat=True)[offset : offset + limit])
    else:
        counted = counting.total(planned)
        total, ids = counted.images, pages.page(planned, counted, limit, offset)
    return Page(total, records(ids))
