"""Walking through all that a search finds, however much, a chunk at a time."""

import pytest

from images.models import Image
from images.visibility import Viewer
from search.ordering import ORDERS
from search.query import Query
from search.results import SearchResults
from taggedimages.factories import make_image, make_pending

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("chunk", [1, 2, 3, 9])
def test_a_walk_meets_every_image_once_and_in_order(order, chunk):
    at = make_image(filename="same").created_at
    for make in (make_image, make_pending, make_image, make_pending, make_image):
        make(filename="same", created_at=at)
        make()
    images = SearchResults(Query(), Viewer.of(None), order).images
    assert list(ORDERS[order].scan(images, chunk)) == list(images)
    backwards = ORDERS[order].reversed()
    assert list(backwards.scan(images, chunk)) == list(images)[::-1]
    assert list(backwards.applied(images)) == list(images)[::-1]


def test_what_changes_during_a_walk_neither_repeats_nor_hides_the_others():
    made = [make_image() for _ in range(6)]
    met = []
    for image in ORDERS["newest"].scan(Image.objects.all(), chunk=2):
        met.append(image)
        make_image()
        if image == made[4]:
            made[3].delete()
    assert met == [made[n] for n in (5, 4, 2, 1, 0)]


def test_each_chunk_is_one_statement(django_assert_num_queries):
    for _ in range(5):
        make_image()
    # The last finds that there are no more.
    with django_assert_num_queries(4):
        assert len(list(ORDERS["largest"].scan(Image.objects.all(), chunk=2))) == 5
