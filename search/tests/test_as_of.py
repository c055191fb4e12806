"""Whatever happened, a search as of an instant finds what a plain memory of it says: each way to
answer, for random histories of images, links, names and rules. AS_OF_EXAMPLES says how many."""

import os
from dataclasses import replace
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from images.models import Image
from images.visibility import Viewer
from search.ordering import ORDERS
from search.query import Query, TagValues
from search.results import SearchResults
from search.tests import pasts
from search.tests.answers import assert_path_right
from search.tests.thresholds import SMALL
from tags.models import VocabularyChange

pytestmark = pytest.mark.django_db

ANYBODY = Viewer.of(None)
# By sets alone, and row by row wherever that may be.
BY_SETS = replace(SMALL, past_lines_max=-1, past_probed_max=0, past_rows_max=0, past_ids_max=0)
BY_ROWS = replace(SMALL, past_lines_max=-1)
# By today's index: of each image by bitmaps, or by links.
BY_INDEX = [SMALL, replace(SMALL, links_counted_by_rows_max=1_000)]

TAGS = st.lists(
    st.builds(TagValues, pasts.NAME, st.lists(pasts.VALUE, max_size=1).map(tuple)),
    min_size=1,
    max_size=2,
).map(tuple)
ASKED: dict[str, st.SearchStrategy[Any]] = {
    "exact_tags": st.lists(pasts.NAME, min_size=1, max_size=2).map(tuple),
    "match_tags": st.sampled_from([("a",), ("%",), ("b%", "%c"), ("none",)]),
    "tag_id": st.integers(0, 20),  # by place among all tags that there ever were
    "with_all": TAGS,
    "with_any": TAGS.map(lambda tags: (tags,)),
    "without_any": TAGS,
    "without_all": TAGS,
    "untagged": st.just(True),
}
SAID: dict[str, st.SearchStrategy[Any]] = {
    **{name: st.booleans() for name in ("aliased", "implied", "vocabulary_now")},
    "as_of": st.integers(-2, 26).map(lambda half: pasts.FIRST + half * pasts.SECOND / 2),
}
QUESTIONS = st.lists(
    st.lists(st.sampled_from(sorted(ASKED)), max_size=2, unique=True).flatmap(
        lambda names: st.fixed_dictionaries({name: ASKED[name] for name in names} | SAID)
    ),
    min_size=1,
    max_size=6,
)


def query_of(asked: dict[str, Any]) -> Query:
    if "tag_id" in asked:
        ever = sorted({0, *VocabularyChange.objects.values_list("tag_id", flat=True)})
        asked = asked | {"tag_id": ever[asked["tag_id"] % len(ever)]}
    return Query(**asked)


EXAMPLES = int(os.environ.get("AS_OF_EXAMPLES", "30"))


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(pasts.BEGINNINGS, pasts.STEPS, QUESTIONS, st.sampled_from(sorted(ORDERS)))
def test_searches_as_of_an_instant_find_what_was_so(db, beginnings, steps, questions, order):
    with transaction.atomic():
        pasts.begin(beginnings)
        history = pasts.happened(steps)
        shown = list(Image.objects.visible_to(None))
        for query in map(query_of, questions):
            wanted = history.found(query, shown)
            rows = SearchResults(query, ANYBODY, order).images
            in_order = [image.pk for image in rows]
            assert set(in_order) == wanted, query
            for thresholds in (BY_SETS, BY_ROWS):
                assert_in_order(
                    SearchResults(query, ANYBODY, order, thresholds=thresholds), in_order
                )
            newest = [image.pk for image in ORDERS["newest"].applied(rows)]
            for thresholds in BY_INDEX:
                if path := SearchResults(query, ANYBODY, thresholds=thresholds).path:
                    assert_path_right(path, newest, 2, 1)
        transaction.set_rollback(True)


def assert_in_order(found: SearchResults, wanted: list[int]) -> None:
    """Every form of an answer is of these images."""
    assert found.count() == len(wanted)
    assert list(found.all_images()) == sorted(wanted)
    page = found.page(2, 1)
    assert (page.total, [record.id for record in page.records]) == (len(wanted), wanted[1:3])
    assert [record.id for chunk in found.stream() for record in chunk] == wanted
    assert [image.pk for image in found[1:3]] == wanted[1:3]
    assert [image.pk for image in found] == wanted
