"""A database that has images and links gets the index, and can be taken back."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from images.models import Image
from search.index import maintenance
from search.index.verification import verify
from search.models import Bitmap, Rebuild
from search.query import Query
from search.tests.answers import assert_right
from search.tests.thresholds import SMALL
from taggedimages.factories import make_image, make_user
from tags.models import ImageTag

pytestmark = [pytest.mark.django_db(transaction=True)]

BEFORE = [("search", None), ("tags", "0002_ledger"), ("images", "0001_initial")]
COLUMNS = "SELECT count(*) FROM information_schema.columns WHERE column_name = 'image_created_at'"
FUNCTIONS = """
SELECT count(*) FROM pg_proc WHERE proname ~ '^(search_|images_|tags_(describe|follow|new_voc))'
"""
QUERIES = [Query(), Query(exact_tags=("knee",)), Query(exact_tags=("knee", "left"))]


def migrate(*targets: tuple[str, str | None]) -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(list(targets) or executor.loader.graph.leaf_nodes())


def number(statement: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.fetchone()[0])


@pytest.fixture
def anew() -> Iterator[None]:
    """Whatever happens, the next test finds all tables."""
    yield
    migrate()


@pytest.fixture
def corpus(anew) -> None:
    """Images and links that were there before any of it."""
    owner = make_user()
    now = timezone.now()
    for hours in range(3):
        at = now - timedelta(hours=hours)
        make_image("knee", "left", created_at=at)
        make_image("knee", by=owner, private=True, created_at=at)
        make_image("left", created_at=at, ended_at=now)
    make_image("knee", pk=300_000, private=True, ended_at=now + timedelta(hours=1))


def described() -> set[object]:
    return set(ImageTag.objects.values_list("image", "image_created_at", "audience"))


def test_links_that_were_there_before_are_filled_and_indexed(corpus):
    wanted = described()
    migrate(*BEFORE)
    assert (number(COLUMNS), number(FUNCTIONS)) == (0, 0)
    migrate()
    assert described() == wanted
    assert number("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == 0


def test_an_index_over_what_was_there_before_is_asked_once_the_worker_has_made_it(corpus):
    migrate(*BEFORE)
    migrate()
    assert Rebuild.objects.exists()
    for query in QUERIES:
        assert_right(query, None, limit=9, offset=0)
    maintenance.run_once(SMALL)
    assert not Rebuild.objects.exists()
    assert Bitmap.objects.exists()
    assert verify().right
    for query in QUERIES:
        assert_right(query, None, limit=9, offset=0)


def test_an_empty_database_needs_no_making(anew):
    migrate(*BEFORE)
    migrate()
    assert not Rebuild.objects.exists()
    make_image("knee")
    assert verify().right


def test_links_are_written_as_before_once_it_was_taken_back(corpus):
    migrate(*BEFORE)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM tags_imagetag WHERE image_id = 300000")
        cursor.execute(
            "INSERT INTO tags_imagetag (uuid, image_id, tag_id, value)"
            " SELECT gen_random_uuid(), 300000, id, '' FROM tags_tag"
        )
        cursor.execute("UPDATE images_image SET private = false")
    migrate()
    assert ImageTag.objects.filter(image=300_000, audience=None).count() == 2
    assert Image.objects.filter(visibility=2).count() == 0
    assert set(ImageTag.objects.values_list("audience", flat=True)) == {0, None}
