"""No step of a search ever adds rows that the viewer may not see, whatever is asked and however.

Every statement begins at what `images.visibility` gives and narrows it. Here each way to a total, a
page, cached ids and facets is taken by itself, for each kind of viewer, over images of each kind.
"""

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.utils import timezone

from images.models import Image
from images.visibility import Viewer, Visibility
from search.executor import count_cache, counts, facets, pages
from search.index import project_terms
from search.planner.paths import CountBy, ScanBy
from search.query import Query, TagValues
from search.tests.answers import path_of
from search.tests.indexes import merge_all
from search.tests.thresholds import SMALL
from taggedimages.factories import make_image, make_user

pytestmark = pytest.mark.django_db

NOW = timezone.now()
STATES: dict[str, dict[str, Any]] = {
    "plain": {},
    "of its project": {"visibility": Visibility.PROJECT},
    "private": {"private": True},
    "ended": {"ended_at": NOW - timedelta(hours=1)},
    "ending": {"ended_at": NOW + timedelta(hours=1)},
    "private and ending": {"private": True, "ended_at": NOW + timedelta(hours=1)},
    "ahead": {"created_at": NOW + timedelta(hours=1)},
}
QUERIES = [
    Query(),
    Query(exact_tags=("knee",)),
    Query(exact_tags=("knee", "left")),
    Query(match_tags=("%",)),
    Query(with_any=((TagValues("knee"), TagValues("rare")),)),
    Query(without_any=(TagValues("left"),)),
    Query(untagged=True),
    Query(uploaded_only=True, exact_tags=("knee",)),
    Query(created_from=NOW - timedelta(days=1)),
]


@pytest.fixture
def viewers() -> list[Viewer]:
    """Everybody, two users, staff and two projects, with images of each of them in each state, half
    of which are merged and half pending."""
    people = [make_user(), make_user(project_id="clinic")]
    project_terms.adopt()
    for merged in (True, False):
        for owner, fields in product([None, *people], STATES.values()):
            for tags in (("knee", "left"), ("knee", "rare"), ()):
                make_image(*tags, by=owner, **fields)
        if merged:
            merge_all(SMALL)
    return [
        *map(Viewer.of, [None, *people, make_user(staff=True)]),
        *(Viewer(audiences=None, project=name) for name in ("default", "clinic")),
    ]


@pytest.mark.parametrize("query", QUERIES)
def test_every_step_finds_only_what_the_viewer_may_see(viewers, query):
    for viewer in viewers:
        shown = set(Image.objects.shown_to(viewer).values_list("pk", flat=True))
        chosen = path_of(query, viewer, SMALL)
        if chosen.count_by == CountBy.NOTHING:
            continue
        count_cache.cache.clear()
        for by in {CountBy.ROWS, CountBy.BITMAPS, chosen.count_by}:
            path = replace(chosen, count_by=by)
            # The second time the ids of few matches are cached.
            for _ in range(2):
                counted = counts.count(path)
                assert counted.images <= len(shown)
            if counted.ids is not None:
                assert set(counted.ids.images) <= shown
            for scan in path.scans if counted.images else ():
                if counted.by_bitmaps or scan.by != ScanBy.BITMAPS:
                    alone = replace(path, scans=(scan,), cached_ids_max=0)
                    found = pages.positions(alone, counted._replace(ids=None), 1_000)
                    assert {position.image for position in found} <= shown, (viewer, scan)
                    assert len(found) == counted.images
            tags = facets.facets(path)
            assert all(tag["count"] <= len(shown) for tag in tags)
