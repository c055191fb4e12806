"""What the index answers, every way it has, beside what `search.query.find` says."""

from typing import Any

from django.db import connection

from images.audience import Viewer
from search import conditions, counting, pages, results
from search.counting import Total
from search.plans import Plan, plan
from search.query import Query, find
from taggedimages.identity.models import User


def assert_right(query: Query, user: User | None, limit: int = 3, offset: int = 1) -> None:
    """The total, and a page by each way of finding it, are those of the reference."""
    wanted = list(find(query, user).values_list("pk", flat=True))
    page = wanted[offset : offset + limit]
    answered = results.page(query, user, limit, offset)
    assert (answered.total, [record.id for record in answered.records]) == (len(wanted), page)
    planned = plan(query, Viewer.of(user))
    if planned and wanted:
        counted = counting.total(planned)
        assert counted.images == len(wanted)
        ways = [pages._by_images]
        ways += [pages._by_links] if planned.clauses else []
        ways += [pages._by_bitmaps] if counted.by_bitmaps else []
        for way in ways:
            assert found(way, planned, counted, limit, offset) == page, way.__name__


def found(way: Any, planned: Plan, counted: Total, limit: int, offset: int) -> list[int]:
    """The ids of a page by one of the ways, whichever the costs would choose."""
    parameters = conditions.parameters(planned) | {"limit": limit, "offset": offset}
    with connection.cursor() as cursor:
        cursor.execute(way(planned, counted), parameters)
        return [image for image, _ in cursor.fetchall()]
