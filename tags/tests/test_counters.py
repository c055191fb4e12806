"""Counters of tags and links are exact, whatever happens, without rows being counted."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from images import deletion
from images.models import Image
from images.visibility import EVERYBODY, Viewer
from search.index import maintenance
from search.models import Rebuild
from search.tests.indexes import merge_all
from taggedimages.factories import TESTS, make_image, make_tag, make_user
from taggedimages.identity.models import User
from taggedimages.postgresql import deferred_join
from taggedimages.postgresql.deferred_join import DeferredJoin
from taggedimages.postgresql.fragments import statement
from tags import counters, curation, tagging
from tags.models import CounterDelta, ImageTag, Tag

pytestmark = pytest.mark.django_db


@pytest.fixture
def users():
    """Everybody who may look: nobody in particular, two users, and staff."""
    return [None, make_user("ann"), make_user("bob"), User.objects.create_superuser("boss")]


def assert_counters_exact(users):
    assert counters.count_tags() == Tag.objects.count()
    for user in users:
        shown = ImageTag.objects.filter(image__in=Image.objects.visible_to(user))
        assert counters.count_links(Viewer.of(user)) == shown.count()


def everything_that_changes_a_count(ann):
    soon, past = timezone.now() + timedelta(hours=1), timezone.now() - timedelta(hours=1)
    yield lambda: [make_image("knee", "left"), make_image("knee", by=ann, private=True)]
    yield lambda: make_image("knee", "own", private=True)
    yield lambda: make_image("knee", ended_at=soon)
    yield lambda: make_image("knee", "right", created_at=soon)
    yield lambda: make_image("knee", private=True, by=ann, created_at=soon, ended_at=soon)
    yield lambda: tagging.retag(Image.objects.order_by("id")[0], ["left", "new"], TESTS)
    yield lambda: Image.objects.filter(created_by=ann).update(visibility=0)
    yield lambda: Image.objects.filter(ended_at=None).update(ended_at=past)
    yield lambda: Image.objects.update(ended_at=None)
    yield lambda: deletion.trash(Image.objects.order_by("id")[0])
    yield lambda: ImageTag.objects.update(value="x")
    yield lambda: curation.delete(make_tag("knee"), TESTS)
    yield lambda: Tag.objects.bulk_create([Tag(name="left", folded="left")], ignore_conflicts=True)
    yield lambda: Image.objects.all().delete()


def test_counters_are_exact_while_deltas_are_pending(users):
    for change in everything_that_changes_a_count(users[1]):
        change()
        assert_counters_exact(users)


def test_counters_are_exact_after_deltas_were_compacted(users):
    for change in everything_that_changes_a_count(users[1]):
        change()
        merge_all()
        assert_counters_exact(users)


NEXT_BLOCK = """
SELECT setval(pg_get_serial_sequence('tags_imagetag', 'id'), nextval(
    pg_get_serial_sequence('tags_imagetag', 'id')) + %s)
"""


def test_pages_found_by_blocks_of_links_hold_what_a_walk_does(users, monkeypatch):
    monkeypatch.setattr(deferred_join, "NEAR", -1)
    for number, change in enumerate(everything_that_changes_a_count(users[1])):
        with connection.cursor() as cursor:
            cursor.execute(NEXT_BLOCK, [2 ** (counters.BLOCK_BITS - 1)])
        change()
        if number % 2:
            merge_all()
        for user in users:
            links = ImageTag.objects.visible_to(user).order_by("id")
            walked = list(links)
            near = counters.near_link_statement(Viewer.of(user))
            found = DeferredJoin(links, links.count, near_statement=near)
            for start in {0, 1, len(walked) // 2, len(walked)}:
                assert found[start : start + 2] == walked[start : start + 2]


def near(user, start):
    asked = statement("{near}", near=counters.near_link_statement(Viewer.of(user)))
    with connection.cursor() as cursor:
        cursor.execute(asked.text, {**asked.parameters, "start": start})
        return cursor.fetchall()


def test_blocks_tell_where_a_page_begins_unless_other_audiences_have_links(users):
    make_image("knee", "left")
    with connection.cursor() as cursor:
        cursor.execute(NEXT_BLOCK, [2**counters.BLOCK_BITS])
    ids = list(make_image("knee", "left").imagetag_set.values_list("id", flat=True))
    key = min(ids) >> counters.BLOCK_BITS << counters.BLOCK_BITS
    assert [near(user, 3) for user in users] == [[(key, 2)]] * 4
    make_image("knee", by=users[1], private=True)
    assert [near(user, 3) for user in users] == [[(key, 2)], [], [(key, 2)], []]


def test_links_that_were_counted_without_blocks_get_theirs_as_deltas_are_compacted(users):
    make_image("knee", "left")
    CounterDelta.objects.update(block=None)
    assert near(None, 1) == []
    assert_counters_exact(users)
    merge_all()
    assert len(near(None, 1)) == 1
    assert_counters_exact(users)
    assert counters.verify(connection.cursor()) == 0


def test_compacting_leaves_one_delta_for_each_counter():
    for number in range(5):
        make_image("knee", f"tag{number}")
    assert CounterDelta.objects.count() > 2
    merge_all()
    assert CounterDelta.objects.count() == 3


def test_rows_are_counted_while_a_rebuild_is_due_and_counters_are_exact_after(users):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        make_tag("knee")
        cursor.execute("SET LOCAL session_replication_role = origin")
    Rebuild.objects.create()
    assert_counters_exact(users)
    maintenance.run_once()
    assert not Rebuild.objects.exists()
    assert_counters_exact(users)


def test_a_wrong_counter_is_found_and_repaired(users):
    make_image("knee")
    CounterDelta.objects.create(of=counters.TAG_COUNTER_ID, change=7)
    with pytest.raises(CommandError, match="1 sizes"):
        call_command("tagindex")
    call_command("tagindex", "--repair")
    assert_counters_exact(users)
    call_command("tagindex")


def test_a_compacted_counter_is_found_by_the_number_that_triggers_write():
    make_image("knee")
    make_image("knee", private=True)
    merge_all()
    hidden = ImageTag.objects.exclude(audience=EVERYBODY).get().audience or 0
    links = [counters.AUDIENCE_COUNTER_BASE - audience for audience in (EVERYBODY, hidden)]
    tags = [audience + 1 for audience in (EVERYBODY, hidden)]
    written = dict(CounterDelta.objects.values_list("of", "change"))
    assert written == dict.fromkeys([counters.TAG_COUNTER_ID, *links, *tags], 1)
