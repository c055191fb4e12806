"""Files that somebody holds stay in the store, whatever would remove them, until nobody does."""

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from images import deletion, holds, previews, processing, purging, reconciliation, storage
from images.models import Image
from taggedimages.factories import make_image, make_png

pytestmark = pytest.mark.django_db


class Holder:
    """Holds what it is told to, or says that it does not know just now."""

    def __init__(self) -> None:
        self.images: set[int] = set()
        self.is_deciding = False

    def __call__(self, image_ids):
        if self.is_deciding:
            raise holds.NotNow("Not now.")
        return self.images.intersection(image_ids)


@pytest.fixture(autouse=True)
def holder(own_bucket, settings, monkeypatch):
    """Somebody who holds files, beside those who are registered."""
    settings.ORPHAN_SECONDS = 0
    monkeypatch.setattr(holds, "_holders", [*holds._holders])
    holder = Holder()
    holds.register(holder)
    return holder


@pytest.fixture
def image():
    """An image that is deleted and due."""
    image = make_image(body=make_png(), processed_at=timezone.now())
    previews.store(image, {"mini": b"small"})
    deletion.delete(image)
    image.refresh_from_db()
    return image


def is_kept(image):
    there = {key for key, _ in storage.objects()}
    assert there in (set(), {image.key, *previews.keys(image.uuid)[:1]})
    return bool(there)


def look_after(image):
    processing.look_after(Image.objects.get(pk=image.pk))


def purge(image):
    purging.purge()


@pytest.mark.parametrize("remove", [purge, look_after])
def test_a_deleted_image_keeps_its_file_and_previews_while_it_is_held(holder, image, remove):
    holder.images = {image.pk}
    remove(image)
    remove(image)
    assert is_kept(image)
    assert not Image.objects.current().filter(pk=image.pk).exists()


@pytest.mark.parametrize("remove", [purge, look_after])
def test_what_somebody_else_holds_keeps_none(holder, image, remove):
    holder.images = {image.pk + 1}
    remove(image)
    assert not is_kept(image)


def test_it_is_removed_by_the_next_purge_once_nobody_holds_it(holder, image):
    holder.images = {image.pk}
    purging.purge()
    holder.images = set()
    done = purging.purge()
    assert (done["resume_held"], done["remove_deleted"]) == (1, 1)
    assert not is_kept(image)


def test_of_several_only_those_are_removed_that_nobody_holds(holder, image):
    other = make_image(body=b"other")
    deletion.delete(other)
    holder.images = {image.pk, other.pk}
    purging.purge()
    holder.images = {image.pk}
    assert purging.purge()["remove_deleted"] == 1
    assert is_kept(image)
    assert storage.head(other.key) is None


def test_those_that_wait_are_asked_about_in_batches(holder, monkeypatch):
    monkeypatch.setattr(purging, "ASKED_AT_ONCE", 2)
    images = [make_image(body=b"bytes") for _ in range(5)]
    for image in images:
        deletion.delete(image)
    holder.images = {image.pk for image in images}
    purging.purge()
    holder.images = {images[2].pk}
    assert purging.resume_held() == 4


def test_nothing_is_removed_while_somebody_decides(holder, image):
    holder.is_deciding = True
    done = purging.purge()
    look_after(image)
    assert (done["resume_held"], done["remove_deleted"]) == (0, 0)
    assert is_kept(image)
    holder.is_deciding = False
    assert purging.purge()["remove_deleted"] == 1
    assert not is_kept(image)


def test_what_waits_is_not_let_go_while_somebody_decides(holder, image):
    holder.images = {image.pk}
    purging.purge()
    holder.images, holder.is_deciding = set(), True
    assert purging.purge()["resume_held"] == 0
    holder.is_deciding = False
    purging.purge()
    assert not is_kept(image)


def reconcile(*options):
    out = io.StringIO()
    call_command("reconcile", *options, stdout=out)
    return out.getvalue().splitlines()[:-1]


def test_reconciling_finds_nothing_wrong_with_held_files_and_previews(holder, image):
    holder.images = {image.pk}
    purging.purge()
    assert reconcile("--apply") == []
    assert is_kept(image)


@pytest.fixture
def left():
    """An image that is deleted, with nothing more to be done, whose file is there all the same."""
    image = make_image(body=make_png())
    deletion.delete(image)
    Image.objects.filter(pk=image.pk).update(check_at=None)
    return image


def test_reconciling_removes_no_file_that_was_left_while_it_is_held(holder, left):
    holder.images = {left.pk}
    # It is told as left over once, and then waits.
    assert reconcile("--apply") == [f"undeleted {left.key} (image {left.pk})"]
    assert storage.head(left.key)
    assert reconcile() == []


def test_reconciling_waits_for_who_decides(holder, left):
    holder.is_deciding = True
    with pytest.raises(CommandError, match="run it again"):
        reconcile("--apply")
    assert storage.head(left.key)


def test_the_trash_is_emptied_all_the_same(holder, settings):
    since = timezone.now() - timedelta(seconds=settings.TRASH_SECONDS + 60)
    image = make_image(body=b"bytes", trashed_at=since, ended_at=since)
    holder.images = {image.pk}
    assert purging.purge()["empty_trash"] == 1
    image.refresh_from_db()
    assert image.deleted_at
    assert storage.head(image.key)


def test_whoever_is_registered_twice_is_asked_once(holder):
    holds.register(holder)
    assert holds._holders.count(holder) == 1


def test_what_reconciling_takes_for_left_over_is_looked_at_again(holder, left):
    report = reconciliation.take_stock()
    # Since the listing, it was seen that somebody holds it.
    Image.objects.filter(pk=left.pk).update(held_at=timezone.now())
    assert list(reconciliation.findings(report)) == []
