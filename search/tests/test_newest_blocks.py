"""Pages out of bitmaps read the newest blocks alone, whichever times the images of a block have."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from images.models import Image
from images.visibility import Viewer
from search.executor import counts, pages
from search.models import BLOCK, BlockSpan
from search.ordering import KeysetPosition
from search.planner.paths import AccessPath, ScanBy
from search.query import Query, TagValues
from search.results import SearchResults
from search.tests.answers import path_of
from search.tests.indexes import merge_all
from search.tests.thresholds import SMALL
from taggedimages.factories import make_image

pytestmark = pytest.mark.django_db

NOW = timezone.now()
FIRST = 200_000
# Blocks, and minutes before now: in their order, in no order at all, and many at once.
PLACES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), min_size=1, max_size=14)
QUERIES = st.sampled_from(
    [
        Query(exact_tags=("knee",)),
        Query(exact_tags=("knee",), without_any=(TagValues("left"),)),
        Query(untagged=True),
    ]
)


def by_bitmaps(path: AccessPath) -> AccessPath:
    """The same path, of which no scan but that of bitmaps is left."""
    (scan,) = (scan for scan in path.scans if scan.by == ScanBy.BITMAPS)
    return replace(path, scans=(scan,), cached_ids_max=0)


@settings(max_examples=30, deadline=None)
@given(
    places=PLACES,
    pending=st.integers(0, 3),
    query=QUERIES,
    limit=st.integers(1, 4),
    offset=st.integers(0, 3),
    after=st.integers(0, 20),
)
def test_every_page_is_the_one_that_row_by_row_has(places, pending, query, limit, offset, after):
    with transaction.atomic():
        for number, (block, minutes) in enumerate(places):
            tags = (("knee",), ("knee", "left"), ())[number % 3]
            make_image(
                *tags,
                pk=FIRST + block * BLOCK + number,
                created_at=NOW - timedelta(minutes=minutes),
            )
            if number == len(places) - pending:
                merge_all(SMALL)
        if not pending:
            merge_all(SMALL)
        path = by_bitmaps(path_of(query))
        counted = counts.count(path)
        wanted = [
            KeysetPosition(*pair)
            for pair in Image.objects.filter(pk__in=found_by(query))
            .order_by("-created_at", "-pk")
            .values_list("created_at", "pk")
        ]
        assert counted.images == len(wanted)
        # What is pending as a whole is in no bitmap yet.
        if wanted and counted.by_bitmaps:
            assert pages.positions(path, counted, limit, offset) == wanted[offset:][:limit]
            at = wanted[after % len(wanted)]
            later = wanted[wanted.index(at) + 1 :]
            found = pages.positions(path, counted, limit, offset, at)
            assert found == (later[offset:][:limit] if offset < len(wanted) else [])
        transaction.set_rollback(True)


def found_by(query: Query) -> list[int]:
    """What the query finds, by the slow answer that is always right."""
    return list(SearchResults(query, Viewer.of(None)).images.values_list("pk", flat=True))


def test_blocks_that_are_older_than_a_page_are_not_read():
    for block in range(3):
        for number in range(4):
            make_image(
                "knee",
                pk=FIRST + block * BLOCK + number,
                created_at=NOW - timedelta(hours=3 - block, minutes=number),
            )
    merge_all(SMALL)
    path = by_bitmaps(path_of(Query(exact_tags=("knee",))))
    scanned = pages.scan(path, counts.count(path), 3)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF) {scanned.text}", scanned.parameters)
        plan = [line for (line,) in cursor.fetchall()]
    taken = plan[plan.index("  CTE newest") + 1]
    assert "rows=1.00" in taken, taken


def test_a_span_that_is_not_known_leaves_nothing_out():
    for block in range(3):
        make_image("knee", pk=FIRST + block * BLOCK, created_at=NOW - timedelta(hours=block))
    merge_all(SMALL)
    BlockSpan.objects.filter(block=FIRST // BLOCK).delete()
    path = by_bitmaps(path_of(Query(exact_tags=("knee",))))
    [newest] = pages.positions(path, counts.count(path), 1)
    assert newest.image == FIRST
