"""What the index answers, every way it has, beside what `search.query.find` says."""

from typing import Any

from django.db import connection

from images.models import Image
from images.visibility import Viewer
from search import results
from search.executor import counts, pages, predicates
from search.executor.totals import Total
from search.planner.resolution import Plan, plan
from search.query import Query, find, narrowed
from taggedimages.identity.models import User


def assert_right_of_project(query: Query, project_id: str, limit: int, offset: int) -> None:
    """The same of what one project is shown: its own images, and all of them."""
    own = Image.objects.current().of_project(project_id).newest_first()
    wanted = list(narrowed(own, query).values_list("pk", flat=True))
    planned = plan(query, Viewer(audiences=None, project=project_id))
    assert planned
    assert_ways_right(planned, wanted, limit, offset)


def assert_right(query: Query, user: User | None, limit: int = 3, offset: int = 1) -> None:
    """The total, and a page by each way of finding it, are those of the reference."""
    wanted = list(find(query, user).values_list("pk", flat=True))
    page = wanted[offset : offset + limit]
    answered = results.page(query, user, limit, offset)
    assert (answered.total, [record.id for record in answered.records]) == (len(wanted), page)
    planned = plan(query, Viewer.of(user))
    if planned:
        assert_ways_right(planned, wanted, limit, offset)


def assert_ways_right(planned: Plan, wanted: list[int], limit: int, offset: int) -> None:
    """The total of a plan is that of the images wanted, however often it is asked for, and so is a
    page by each way."""
    for _ in range(2):
        counted = counts.total(planned)
        assert counted.images == len(wanted)
    if counted.newest is not None:
        walked = pages.page(planned, counted, limit, offset)
        assert [position.image for position in walked] == wanted[offset : offset + limit]
        later = pages.page(planned, counted, len(wanted), after=walked[0]) if walked else []
        assert [position.image for position in later] == (wanted[offset + 1 :] if walked else [])
    ways = [pages._by_images]
    ways += [pages._by_links] if planned.clauses else []
    ways += [pages._by_bitmaps] if counted.by_bitmaps else []
    for way in ways if wanted else []:
        page = wanted[offset : offset + limit]
        assert found(way, planned, counted, limit, offset) == page, way.__name__


def found(way: Any, planned: Plan, counted: Total, limit: int, offset: int) -> list[int]:
    """The ids of a page by one of the ways, whichever the costs would choose."""
    parameters = predicates.parameters(planned) | {"limit": limit, "offset": offset}
    with connection.cursor() as cursor:
        cursor.execute(way(planned, counted), parameters)
        return [image for image, _ in cursor.fetchall()]
