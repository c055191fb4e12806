"""Two callers at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections

from images.models import Image
from taggedimages.dialects.ims.tests.requests import held
from taggedimages.factories import TESTS, make_image
from tags import tagging


@pytest.fixture
def image_of_many(transactional_db):
    """An image that other connections see. Emptying the tables afterwards is allowed."""
    yield make_image(*[f"held{n}" for n in range(8)])
    with connection.cursor() as cursor:
        cursor.execute("SET taggedimages.may_truncate = 'on'")


def add(image, name):
    try:
        tagging.set_values(Image.objects.get(pk=image.pk), {name: ""}, TESTS, at_most=10)
    except tagging.TooManyTags:
        return False
    finally:
        connections.close_all()
    return True


def test_together_they_do_not_exceed_the_limit(image_of_many):
    with ThreadPoolExecutor(6) as pool:
        added = list(pool.map(lambda n: add(image_of_many, f"new{n}"), range(12)))
    assert sum(added) == 2
    assert len(held(image_of_many)) == 10
