"""Tags and links are counted exactly without being counted."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from images import deletion
from images.models import Image
from images.visibility import Viewer
from search.index import maintenance, merging
from search.models import Rebuild, Tally
from taggedimages.factories import TESTS, make_image, make_tag, make_user
from taggedimages.identity.models import User
from tags import counters, curation, tagging
from tags.models import ImageTag, Tag

pytestmark = pytest.mark.django_db


@pytest.fixture
def users():
    """Everybody who may look: nobody in particular, two users, and staff."""
    return [None, make_user("ann"), make_user("bob"), User.objects.create_superuser("boss")]


def told_rightly(users):
    assert counters.tags() == Tag.objects.count()
    for user in users:
        shown = ImageTag.objects.filter(image__in=Image.objects.visible_to(user))
        assert counters.links(Viewer.of(user)) == shown.count()


def everything_that_changes_a_count(ann):
    soon, past = timezone.now() + timedelta(hours=1), timezone.now() - timedelta(hours=1)
    yield lambda: [make_image("knee", "left"), make_image("knee", by=ann, private=True)]
    yield lambda: make_image("knee", "own", private=True)
    yield lambda: make_image("knee", ended_at=soon)
    yield lambda: make_image("knee", "right", created_at=soon)
    yield lambda: make_image("knee", private=True, by=ann, created_at=soon, ended_at=soon)
    yield lambda: tagging.retag(Image.objects.order_by("id")[0], ["left", "new"], TESTS)
    yield lambda: Image.objects.filter(created_by=ann).update(private=False)
    yield lambda: Image.objects.filter(ended_at=None).update(ended_at=past)
    yield lambda: Image.objects.update(ended_at=None)
    yield lambda: deletion.trash(Image.objects.order_by("id")[0])
    yield lambda: ImageTag.objects.update(value="x")
    yield lambda: curation.delete(make_tag("knee"), TESTS)
    yield lambda: Tag.objects.bulk_create([Tag(name="left", folded="left")], ignore_conflicts=True)
    yield lambda: Image.objects.all().delete()


@pytest.mark.parametrize("folded", [True, False])
def test_what_is_told_is_what_there_is_whatever_happens(users, folded):
    for change in everything_that_changes_a_count(users[1]):
        change()
        if folded:
            merging.fold_all()
        told_rightly(users)


def test_folding_leaves_one_entry_of_each_kind():
    for number in range(5):
        make_image("knee", f"tag{number}")
    assert Tally.objects.count() > 2
    merging.fold_all()
    assert Tally.objects.count() == 2


def test_changes_past_the_triggers_are_counted_until_the_rebuild_and_told_after(users):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        make_tag("knee")
        cursor.execute("SET LOCAL session_replication_role = origin")
    Rebuild.objects.create()
    told_rightly(users)
    maintenance.keep()
    assert not Rebuild.objects.exists()
    told_rightly(users)


def test_a_wrong_tally_is_found_and_mended(users):
    make_image("knee")
    Tally.objects.create(of=-4, change=7)
    with pytest.raises(CommandError, match="1 sizes"):
        call_command("tagindex")
    call_command("tagindex", "--repair")
    told_rightly(users)
    call_command("tagindex")
