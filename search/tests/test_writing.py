"""New bitmaps are written term by term, so that those of a term are neighbours on disk."""

import pytest
from django.db import connection

from images.models import Image
from search.index import building, project_terms
from search.index.building import SPAN_BLOCKS
from search.models import BLOCK, Bitmap, FieldTermsBuilt, TermStats
from search.tests.indexes import give_bitmaps, merge_all
from search.tests.thresholds import SMALL
from taggedimages.factories import make_image
from taggedimages.identity.models import Project

pytestmark = pytest.mark.django_db

SPANS = 3
# Each the first image of a span: written span by span, no term's bitmaps would be together.
IMAGES = [(number + 1) * SPAN_BLOCKS * BLOCK for number in range(SPANS)]


@pytest.fixture(autouse=True)
def images():
    for pk in IMAGES:
        make_image("knee", "left", pk=pk)
    with connection.cursor() as cursor:
        # Rows that others left would be written over, wherever they are.
        cursor.execute("TRUNCATE search_bitmap")


def written():
    """The terms that have bitmaps, which follow each other term by term, block by block."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set, block FROM search_bitmap ORDER BY ctid")
        rows = cursor.fetchall()
    tags, own = [row for row in rows if row[0] > 0], [row for row in rows if row[0] < 0]
    assert tags == sorted(tags)
    return tags, own


def test_when_the_index_is_made_anew():
    give_bitmaps(["knee", "left"])
    tags, own = written()
    assert len(tags) == 2 * SPANS
    assert own == sorted(own)
    assert len(own) > 20 * SPANS


def test_when_the_terms_of_fields_are_made():
    give_bitmaps([])
    FieldTermsBuilt.objects.all().delete()
    Bitmap.objects.all().delete()
    building.adopt_fields()
    _, own = written()
    assert own == sorted(own)
    assert len(own) > 15 * SPANS


def test_when_tags_become_dense():
    assert not TermStats.objects.filter(has_bitmap=True).exists()
    merge_all(SMALL)
    tags, _ = written()
    assert len(tags) == 2 * SPANS


def test_when_a_project_is_taken_in():
    give_bitmaps([])
    Project.objects.create(pk="clinic")
    Image.objects.update(project_id="clinic")
    Bitmap.objects.all().delete()
    project_terms.adopt()
    _, own = written()
    assert own == sorted(own)
    assert len(own) == SPANS
