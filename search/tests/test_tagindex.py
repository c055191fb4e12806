"""`manage.py tagindex` tells, mends and rebuilds what is wrong; the untrusted is not asked."""

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from images import editing
from images.visibility import Viewer
from search.index import building, maintenance, merging, project_terms, terms
from search.index.verification import Verdict, verify
from search.models import Bitmap, PendingChange, Rebuild, TermStats
from search.planner.resolution import resolve
from search.query import Query
from search.tests.answers import assert_right, assert_right_of_project
from search.tests.indexes import merge_all
from search.tests.thresholds import SMALL
from taggedimages.factories import TESTS, make_image, make_user
from tags import tagging
from tags.models import Tag

pytestmark = pytest.mark.django_db

RIGHT = "The tag index is right.\n"
FLIPPED = "UPDATE search_bitmap SET bits = set_bit(bits, 77, 1 - get_bit(bits, 77))"
STRAY = "INSERT INTO search_bitmap (set, block, bits) SELECT {}, {}, ~repeat('0', 8192)::bit(8192)"
KNEE = "set = (SELECT id FROM tags_tag WHERE name = 'knee')"
DAMAGES = {
    "a flipped bit of a tag": f"{FLIPPED} WHERE {KNEE}",
    "a flipped bit of those shown": f"{FLIPPED} WHERE set = {terms.SHOWN}",
    "a flipped bit of those uploaded": f"{FLIPPED} WHERE set = {terms.UPLOADED}",
    "a missing block": f"DELETE FROM search_bitmap WHERE {KNEE}",
    "no blocks at all": "DELETE FROM search_bitmap",
    "a block of a set that has none": STRAY.format(
        10**9, "(SELECT max(id) / 8192 FROM images_image)"
    ),
    "a block after the last image": STRAY.format(terms.TAGGED, 10**6),
    "a wrong number of links": f"UPDATE search_setsize SET links = links + 1 WHERE {KNEE}",
    "a wrong number of those shown": f"UPDATE search_setsize SET shown = shown - 1 WHERE {KNEE}",
    "a missing size of a tag": f"DELETE FROM search_setsize WHERE {KNEE}",
    "a missing size of those shown": f"DELETE FROM search_setsize WHERE set = {terms.SHOWN}",
    "no sizes at all": "DELETE FROM search_setsize",
    "a size of a tag that is gone": "INSERT INTO search_setsize VALUES (999999999, 5, 0, false)",
}
QUERIES = [
    Query(),
    Query(exact_tags=("knee",)),
    Query(exact_tags=("knee", "left")),
    Query(untagged=True),
    Query(uploaded_only=True),
]


@pytest.fixture(autouse=True)
def index() -> None:
    """A small corpus that is merged."""
    owner = make_user()
    for _ in range(3):
        make_image("knee", "left")
        make_image("knee", by=owner, private=True)
    make_image()
    merge_all(SMALL)
    assert TermStats.objects.get(term=Tag.objects.get(name="knee").pk).has_bitmap
    assert verify() == Verdict(blocks=0, sizes=0)


def sql(statement: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.rowcount)


def tagindex(*options: str) -> str:
    """What the command writes. Raises CommandError."""
    out = io.StringIO()
    call_command("tagindex", *options, stdout=out)
    return out.getvalue()


def assert_all_right() -> None:
    assert tagindex() == RIGHT
    for query in QUERIES:
        assert_right(query, None, limit=9, offset=0)


# --- Verifying, mending, making anew -------------------------------------------------------------


def test_an_index_that_is_right_is_said_to_be():
    assert_all_right()
    assert tagindex("--repair") == RIGHT


def test_what_waits_to_be_taken_in_is_no_error():
    make_image("knee")
    assert tagindex() == RIGHT
    assert not PendingChange.objects.exists()


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_fails_the_command_until_it_is_mended(damage):
    assert sql(DAMAGES[damage])
    for _ in range(2):
        with pytest.raises(CommandError, match="run it with --repair") as failed:
            tagindex()
        assert failed.value.returncode == 1
    assert tagindex("--repair").endswith("of the tag index were wrong and are mended.\n")
    assert_all_right()


@pytest.mark.parametrize("damage", DAMAGES)
def test_making_it_anew_forgets_any_damage(damage):
    assert sql(DAMAGES[damage])
    assert tagindex("--rebuild") == "The tag index was made anew.\n"
    assert_all_right()


def test_damage_is_counted():
    sql(DAMAGES["a flipped bit of those uploaded"])
    sql(DAMAGES["a wrong number of links"])
    assert verify() == Verdict(blocks=1, sizes=1)


def test_a_rebuild_makes_the_index_from_nothing():
    for model in (Bitmap, TermStats, PendingChange):
        model.objects.all().delete()
    building.rebuild(SMALL)
    assert Bitmap.objects.exists()
    assert_all_right()


def test_pending_changes_are_merged_after_a_repair():
    sql(DAMAGES["no sizes at all"])
    verify(repair=True)
    image = make_image("knee", "left")
    merge_all(SMALL)
    editing.edit(image, {"visibility": 2})
    merge_all(SMALL)
    assert_all_right()


# --- Merging part of what changed --------------------------------------------------------------


@pytest.mark.parametrize("private", [False, True])
def test_pending_changes_of_one_image_are_merged_together(private):
    """Its row is told of before its links; half of them would be counted twice later."""
    make_image("knee", private=private)
    image = make_image("left")
    tagging.tag(image, ["knee"], TESTS)
    while merging.merge(1, SMALL):
        for query in QUERIES:
            assert_right(query, None, limit=9, offset=0)
    assert verify().right


# --- Not to be trusted ---------------------------------------------------------------------------


@pytest.fixture
def untrusted() -> Any:
    """As after the migration of a database that has images: an empty index."""
    for model in (Bitmap, TermStats, PendingChange):
        model.objects.all().delete()
    return Rebuild.objects.create()


def test_while_a_rebuild_is_due_bitmaps_are_not_trusted(untrusted):
    for query in QUERIES:
        assert_right(query, None, limit=9, offset=0)
    make_image("knee")
    merge_all(SMALL)
    for query in QUERIES:
        assert_right(query, None, limit=9, offset=0)


def test_maintenance_rebuilds_where_that_is_due_and_then_merges(untrusted):
    maintenance.run_once(SMALL)
    assert not Rebuild.objects.exists()
    assert_all_right()
    make_image("knee")
    assert maintenance.run_once(SMALL) == 2
    assert maintenance.run_once(SMALL) == 0
    assert_all_right()


def test_maintenance_adopts_projects_that_have_no_term():
    of_project = Viewer(audiences=None, project="default")
    assert resolve(Query(), of_project) is None
    maintenance.run_once(SMALL)
    assert not project_terms.are_due()
    for query in QUERIES:
        assert_right_of_project(query, "default", limit=9, offset=0)
    assert_all_right()
    make_user(project_id="new")
    assert project_terms.are_due()
    maintenance.run_once(SMALL)
    assert_right_of_project(Query(), "new", limit=9, offset=0)
