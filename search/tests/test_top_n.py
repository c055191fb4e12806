"""The first matches in the order of a number, told by bitmaps where walking the order takes longer
(search.executor.top_n). That orders are right, test_query_model and test_cursor say."""

from datetime import UTC, datetime, timedelta

import pytest

from images.models import Image
from images.visibility import Viewer
from search.executor import top_n
from search.executor.top_n import TopN
from search.index.thresholds import DEFAULT
from search.ordering import ORDERS, KeysetPosition
from search.query import Query
from search.results import SearchResults
from search.tests.indexes import merge_all
from search.tests.thresholds import SMALL
from taggedimages.factories import make_image

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
IMAGES = 40


@pytest.fixture(autouse=True)
def found_exactly(monkeypatch):
    """No more is looked for than is wanted."""
    monkeypatch.setattr(top_n, "MORE_AT_LEAST", 0)


@pytest.fixture
def images() -> list[Image]:
    """Of each larger one the file came a minute later; every second is "even", the ten smallest are
    "small"."""
    made = [
        make_image(
            *(["even"] if number % 2 == 0 else []),
            *(["small"] if number < 10 else []),
            size=100 + number,
            created_at=NOON,
            uploaded_at=NOON + timedelta(minutes=number),
        )
        for number in range(IMAGES)
    ]
    merge_all(SMALL)
    return made


def asked(tag: str, order: str, limit: int = 3, offset: int = 0, after=None, thresholds=SMALL):
    results = SearchResults(Query(exact_tags=(tag,)), Viewer.of(None), order, thresholds=thresholds)
    assert results.path
    counted = results._counted._replace(all_images=IMAGES)
    found = TopN(results.path, counted, ORDERS[order], limit, offset, after).positions()
    return None if found is None else [position.image for position in found]


@pytest.mark.parametrize("order", ["largest", "uploaded"])
def test_bitmaps_tell_the_first_of_an_order(images, order):
    evens = [image.pk for image in reversed(images[::2])]
    assert asked("even", order) == evens[:3]
    assert asked("even", order, offset=7) == evens[7:10]
    key = images[20].size if order == "largest" else images[20].uploaded_at
    after = KeysetPosition(key, images[20].pk)
    assert asked("even", order, after=after) == [images[at].pk for at in (18, 16, 14)]


def test_bitmaps_tell_the_smallest(images):
    assert asked("even", "smallest", offset=2) == [images[at].pk for at in (4, 6, 8)]
    after = KeysetPosition(images[4].size, images[4].pk)
    assert asked("even", "smallest", after=after) == [images[at].pk for at in (6, 8, 10)]


def test_an_image_of_no_size_is_the_smallest(images):
    Image.objects.filter(pk=images[30].pk).update(size=0)
    assert asked("even", "smallest", limit=2) == [images[30].pk, images[0].pk]
    merge_all(SMALL)
    assert asked("even", "smallest", limit=2) == [images[30].pk, images[0].pk]


def test_where_matches_lie_elsewhere_the_order_is_walked(images):
    assert asked("small", "largest") is None
    page = SearchResults(
        Query(exact_tags=("small",)), Viewer.of(None), "largest", thresholds=SMALL
    ).page(3)
    assert [record.id for record in page.records] == [images[at].pk for at in (9, 8, 7)]


def test_where_too_many_have_one_number_the_order_is_walked(images, monkeypatch):
    monkeypatch.setattr(top_n, "SORTED_MAX", 8)
    assert asked("even", "largest", limit=5) is not None
    Image.objects.filter(pk__in=[image.pk for image in images[20:]]).update(size=500)
    merge_all(SMALL)
    assert asked("even", "largest", limit=5) is None


def test_what_changed_a_moment_ago_is_where_it_is_now(images):
    Image.objects.filter(pk=images[4].pk).update(size=1_000)
    assert asked("even", "largest") == [images[at].pk for at in (4, 38, 36)]


def test_after_what_has_no_such_number_and_by_names_orders_are_walked(images):
    assert asked("even", "uploaded", after=KeysetPosition(None, images[0].pk)) is None
    assert asked("even", "filename") is None
    assert asked("even", "oldest") is None


def test_of_few_matches_all_are_sorted(images):
    assert asked("even", "largest", thresholds=DEFAULT) is None
