"""Every way of answering a query against the reference: its lookups, row by row."""

from dataclasses import replace

from images.visibility import Viewer
from search.executor import counts, pages, whole
from search.executor.matches import MatchCount
from search.index.thresholds import Thresholds
from search.planner.paths import AccessPath, ScanBy, choose
from search.planner.resolution import resolve
from search.query import Query
from search.results import SearchResults
from search.tests.thresholds import SMALL
from taggedimages.identity.models import User


def path_of(
    query: Query, viewer: Viewer | None = None, thresholds: Thresholds = SMALL
) -> AccessPath:
    """How the index answers a query; it has to be one that it can answer."""
    resolved = resolve(query, viewer or Viewer.of(None), thresholds=thresholds)
    assert resolved
    return choose(resolved, thresholds)


def assert_right_of_project(
    query: Query, project_id: str, limit: int, offset: int, thresholds: Thresholds = SMALL
) -> None:
    """The same of what one project is shown: its own images, and all of them."""
    viewer = Viewer(audiences=None, project=project_id)
    wanted = list(SearchResults(query, viewer).images.values_list("pk", flat=True))
    assert_path_right(path_of(query, viewer, thresholds), wanted, limit, offset)


def assert_right(
    query: Query,
    user: User | None,
    limit: int = 3,
    offset: int = 1,
    thresholds: Thresholds = SMALL,
) -> None:
    """The total, and a page by each scan, are those of the reference."""
    found = SearchResults(query, Viewer.of(user), thresholds=thresholds)
    wanted = list(found.images.values_list("pk", flat=True))
    page = found.page(limit, offset)
    assert (page.total, [record.id for record in page.records]) == (
        len(wanted),
        wanted[offset : offset + limit],
    )
    if found.path:
        assert_path_right(found.path, wanted, limit, offset)


def assert_path_right(path: AccessPath, wanted: list[int], limit: int, offset: int) -> None:
    """The total by a path is that of the images wanted, however often it is asked for, and so is a
    page by each of its scans."""
    for _ in range(2):
        counted = counts.count(path)
        assert counted.images == len(wanted)
    assert list(whole.of_path(path)) == sorted(wanted)
    if counted.ids is not None:
        scanned = pages.positions(path, counted, limit, offset)
        assert [position.image for position in scanned] == wanted[offset : offset + limit]
        later = pages.positions(path, counted, len(wanted), 0, scanned[0]) if scanned else []
        assert [position.image for position in later] == (wanted[offset + 1 :] if scanned else [])
    for scan in path.scans if wanted else ():
        if counted.by_bitmaps or scan.by != ScanBy.BITMAPS:
            alone = replace(path, scans=(scan,))
            assert scanned_ids(alone, counted, limit, offset) == wanted[offset : offset + limit]


def scanned_ids(path: AccessPath, counted: MatchCount, limit: int, offset: int) -> list[int]:
    """The ids of a page as a scan finds them, whatever is cached."""
    found = pages.positions(path, counted._replace(ids=None), limit, offset)
    return [position.image for position in found]
