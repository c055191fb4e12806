"""How the worker notices that a file has arrived when nobody tells it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from images import arrivals, keys, processing, storage, uploads
from images.arrivals import MINUTE, Arrivals
from images.models import Image
from taggedimages.factories import TESTS, make_image, make_png, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def begin(own_bucket):
    """Makes a pending record, as one of some time ago if that is wanted, and sends its file."""

    def make(*, sent=True, ago=timedelta(0)):
        image = uploads.begin("sun.png", None, TESTS)
        image.created_at -= ago
        image.key = keys.new_key(image.filename, image.created_at)
        image.save()
        if sent:
            send(storage.presign_put(image.key), make_png())
        return image

    return make


def minute_of(image):
    return image.created_at.replace(second=0, microsecond=0)


def test_a_file_is_found_and_then_taken(begin):
    image = begin()
    assert Arrivals()() == 1
    assert processing.sweep() >= 1
    image.refresh_from_db()
    assert image.uploaded_at is not None


def test_a_file_that_comes_late_is_found_too(begin):
    begin(ago=timedelta(minutes=50))
    assert Arrivals()() == 1


def test_of_all_records_only_those_whose_file_came_are_due(begin):
    waiting, found = begin(sent=False), begin()
    assert Arrivals()() == 1
    due = Image.objects.filter(check_at__lte=timezone.now())
    assert list(due) == [found]
    waiting.refresh_from_db()
    assert waiting.checks == uploads.UNSEEN


def test_many_files_of_a_minute_are_found_some_at_a_time(begin, monkeypatch):
    monkeypatch.setattr(arrivals, "KEYS_PER_LOOKUP", 2)
    for _ in range(5):
        begin(ago=timedelta(minutes=2))
    assert Arrivals()() == 5


def test_what_was_found_is_left_to_its_turn(begin):
    """Else a file that is refused would be looked at again and again."""
    image = begin()
    Image.objects.update(size=1)
    assert Arrivals()() == 1
    processing.sweep()
    image.refresh_from_db()
    assert image.upload_error.startswith("size_mismatch")
    assert arrivals.find(minute_of(image)) == 0


def test_only_minutes_with_a_record_that_waits_are_listed(begin):
    image = begin(ago=timedelta(minutes=5))
    make_image()
    assert Arrivals().awaiting() == [minute_of(image)]


def test_minutes_are_listed_again_soon_and_old_ones_later(begin):
    seen = Arrivals()
    seen()
    now = timezone.now()
    this_minute = now.replace(second=0, microsecond=0)
    quarter_ago = this_minute - 15 * MINUTE
    assert seen.due(now) == []

    def after(seconds):
        later = Arrivals()
        later.listed_at = {minute: at - seconds for minute, at in seen.listed_at.items()}
        return later.due(now)

    assert this_minute in after(10)
    assert quarter_ago not in after(10)
    assert quarter_ago in after(70)


def test_what_is_remembered_is_bounded(begin, settings):
    seen = Arrivals()
    seen()
    settings.PRESIGNED_SECONDS, settings.UPLOAD_GRACE_SECONDS = 300, 0
    seen.due(timezone.now())
    assert len(seen.listed_at) == 300 // 60 + 3


def test_a_store_that_is_away_is_asked_again(begin, outage):
    image = begin()
    seen = Arrivals()
    with outage():
        assert seen() == 0
    assert minute_of(image) in seen.due(timezone.now())
    assert seen() == 1
