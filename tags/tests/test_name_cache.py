"""Names that a process remembers are those that the tags have now, whoever renamed them."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections, transaction

from taggedimages.factories import TESTS, make_image
from tags import curation, name_cache, tagging
from tags.models import Tag

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def image():
    return make_image("knee", "left")


def elsewhere(statement: str, *values: Any) -> None:
    """Run a statement as another process does, by a connection of its own."""

    def run() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, values)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as other:
        other.submit(run).result()


def names(api) -> list[str]:
    """The names of the tags of all images, as the list shows them."""
    records = api.get("/v1/images").json()["results"]
    return sorted(tag["name"] for record in records for tag in record["tags"])


def version_now() -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {name_cache.VERSION}")
        return str(cursor.fetchone()[0])


def test_a_list_costs_no_statement_for_names_that_are_remembered(
    api, image, django_assert_num_queries
):
    ids, version = set(Tag.objects.values_list("pk", flat=True)), version_now()
    name_cache.named(ids, version)
    with django_assert_num_queries(0):
        known = name_cache.named(ids, version)
        assert {json.loads(known[tag])["name"] for tag in ids} == {"knee", "left"}


def test_a_rename_shows_at_once(api):
    assert names(api) == ["knee", "left"]
    curation.rename(Tag.objects.get(name="knee"), "joint", TESTS)
    assert names(api) == ["joint", "left"]


def test_a_rename_by_another_process_shows_at_once(api):
    for new in ("joint", "hinge", "knee"):
        assert "left" in names(api)
        elsewhere("UPDATE tags_tag SET name = %s, folded = %s WHERE name <> 'left'", new, new)
        assert names(api) == sorted([new, "left"])


def test_two_tags_that_swap_names_show_them_so(api, image):
    tagging.untag(image, [Tag.objects.get(name="left").pk], TESTS)
    assert names(api) == ["knee"]
    with transaction.atomic():
        for old, new in (("knee", "?"), ("left", "knee"), ("?", "left")):
            curation.rename(Tag.objects.get(name=old), new, TESTS)
    assert names(api) == ["left"]


def test_a_rename_that_is_rolled_back_leaves_nothing_behind(api):
    assert names(api) == ["knee", "left"]
    for _ in range(2):
        with transaction.atomic():
            curation.rename(Tag.objects.get(name="knee"), "joint", TESTS)
            assert names(api) == ["joint", "left"]
            transaction.set_rollback(True)
        assert names(api) == ["knee", "left"]
    elsewhere("UPDATE tags_tag SET name = 'hinge', folded = 'hinge' WHERE name = 'knee'")
    assert names(api) == ["hinge", "left"]


def test_a_rename_that_is_rolled_back_to_a_savepoint_leaves_nothing_behind(api):
    with transaction.atomic():
        with transaction.atomic():
            curation.rename(Tag.objects.get(name="knee"), "joint", TESTS)
            assert names(api) == ["joint", "left"]
            transaction.set_rollback(True)
        assert names(api) == ["knee", "left"]
    assert names(api) == ["knee", "left"]


def test_a_tag_that_was_never_committed_is_never_shown(api, image):
    with transaction.atomic():
        tagging.tag(image, ["new"], TESTS)
        assert names(api) == ["knee", "left", "new"]
        transaction.set_rollback(True)
    assert names(api) == ["knee", "left"]


def test_a_tag_that_was_deleted_and_made_again_is_shown_once(api, image):
    assert names(api) == ["knee", "left"]
    elsewhere("DELETE FROM tags_tag WHERE name = 'knee'")
    assert names(api) == ["left"]
    tagging.tag(image, ["knee"], TESTS)
    assert names(api) == ["knee", "left"]


def test_a_row_that_a_restore_brings_is_another_version_whatever_it_says(api):
    """Triggers do not run then, and the version is the one that was remembered."""
    curation.rename(Tag.objects.get(name="left"), "links", TESTS)
    assert names(api) == ["knee", "links"]
    elsewhere(
        "SET session_replication_role = replica;"
        "UPDATE tags_tag SET name = 'joint', folded = 'joint' WHERE name = 'knee';"
        "CREATE TEMP TABLE dumped AS TABLE tags_vocabulary;"
        "DELETE FROM tags_vocabulary; INSERT INTO tags_vocabulary TABLE dumped"
    )
    assert names(api) == ["joint", "links"]


def test_tags_that_come_in_the_place_of_all_are_shown_as_they_are(api):
    """As where the data alone are restored; the first may have been made before any rename."""
    elsewhere("DELETE FROM tags_vocabulary")
    assert names(api) == ["knee", "left"]
    elsewhere(
        "SET session_replication_role = replica; SET taggedimages.may_truncate = on;"
        "CREATE TEMP TABLE links AS TABLE tags_imagetag;"
        "CREATE TEMP TABLE dumped AS TABLE tags_tag; UPDATE dumped SET name = 'new ' || name;"
        "TRUNCATE tags_tag CASCADE;"
        "INSERT INTO tags_tag TABLE dumped; INSERT INTO tags_imagetag TABLE links"
    )
    assert names(api) == ["new knee", "new left"]
