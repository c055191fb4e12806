"""Objects that no record knows are removed by the worker, and those that one knows never are."""

import logging
from datetime import timedelta

import pytest
from django.utils import timezone

from images import keys, orphans, reconciliation, storage, uploads
from images.models import Image, OrphanSweep
from taggedimages.factories import TESTS, make_image, make_pending, make_png
from taggedimages.identity.models import History
from taggedimages.postgresql import history

pytestmark = pytest.mark.django_db

NAME = "sun.png"


@pytest.fixture(autouse=True)
def _own(own_bucket, settings, monkeypatch):
    # Objects are as old as their keys say, as far as the store's clock lets them.
    settings.ORPHAN_SECONDS = 0
    settings.PRESIGNED_SECONDS = settings.UPLOAD_GRACE_SECONDS = 0
    monkeypatch.setattr(orphans, "REQUEST_SECONDS", 0)
    monkeypatch.setattr(orphans, "FIRST_LOOK_BACK", timedelta(minutes=10))


def ago(**time):
    return timezone.now() - timedelta(**time)


def left(archived=False, **time):
    """An object of so long ago without a record, as an interrupted upload leaves it."""
    key = keys.new_key(NAME, ago(**time))
    key = keys.archived(key) if archived else key
    storage.put(key, b"?")
    return key


def there(*names):
    return [storage.head(key) is not None for key in names]


def swept(sweep=None):
    """All rounds until nothing is due any more."""
    sweep, removed, before = sweep or orphans.Sweep(), 0, None
    while before != (now := list(OrphanSweep.objects.order_by("name").values())):
        sweep.due_at, before = 0, now
        removed += sweep()
    return removed


def test_what_interrupted_uploads_left_is_removed(monkeypatch):
    orphan, copy = left(minutes=4), left(archived=True, minutes=6)
    assert swept() == 2
    assert there(orphan, copy) == [False, False]


def test_an_upload_whose_process_died_before_its_record(settings, monkeypatch):
    key = uploads.receive(NAME, make_png(), TESTS).key
    settings.ORPHAN_SECONDS = 60
    assert swept() == 0
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(minutes=3))
    assert swept() == 1
    assert there(key) == [False]


def test_what_a_record_knows_stays(monkeypatch):
    at = ago(minutes=5)
    taken = make_image(body=b"!", created_at=at)
    pending = make_pending(created_at=at, key=keys.new_key(NAME, at))
    storage.put(pending.key, b"!")
    # Copied, and its record says so in a moment.
    storage.put(keys.archived(pending.key), b"!")
    deleted = make_image(body=b"!", created_at=at, ended_at=at, deleted_at=at)
    names = [taken.key, pending.key, keys.archived(pending.key), deleted.key]
    assert swept() == 0
    assert there(*names) == [True] * 4


def test_what_is_not_as_old_as_its_key_waits(settings, monkeypatch):
    """It may have been sent only now; it is looked at once more when its URLs have ended."""
    settings.ORPHAN_SECONDS, settings.UPLOAD_GRACE_SECONDS = 60, 600
    key = left(minutes=8)
    assert swept() == 0
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(minutes=10))
    assert swept() == 1
    assert there(key) == [False]


@pytest.fixture
def listed(monkeypatch):
    """The prefixes that were listed."""
    prefixes, objects = [], storage.objects

    def listing(prefix=""):
        prefixes.append(prefix)
        return objects(prefix)

    monkeypatch.setattr(storage, "objects", listing)
    return prefixes


def test_progress_outlives_workers_and_each_minute_is_listed_once(monkeypatch, listed):
    noon = timezone.now().replace(hour=12, minute=40, second=7)
    monkeypatch.setattr(timezone, "now", lambda: noon)
    monkeypatch.setattr(orphans, "FIRST_LOOK_BACK", timedelta(minutes=30))
    monkeypatch.setattr(orphans, "ROUND_SECONDS", 0)
    orphans.Sweep()()
    # Both passes, in both places.
    assert len(listed) == 4
    swept(orphans.Sweep())
    assert len(listed) == 4 * 30
    assert len(set(listed)) == len(listed) // 2
    before = len(listed)
    monkeypatch.setattr(timezone, "now", lambda: noon + timedelta(minutes=3))
    swept()
    assert len(listed) - before == 4 * 3


def test_hours_that_are_due_as_a_whole_are_listed_at_once(monkeypatch, listed):
    monkeypatch.setattr(orphans, "FIRST_LOOK_BACK", timedelta(hours=5))
    keys_left = [left(minutes=minutes) for minutes in (3, 75, 130, 180)]
    assert swept() == 4
    assert there(*keys_left) == [False] * 4
    # Four hours, and two that are not due, or were not, as a whole.
    assert len(listed) <= 4 * (4 + 60 + 1)
    spans = {prefix.removeprefix("archive/") for prefix in listed}
    assert len({span for span in spans if span.count("-") == 1}) == 4


def test_a_database_that_forgot_them_all_removes_few(monkeypatch, caplog):
    monkeypatch.setattr(orphans, "DOUBTFUL", 3)
    caplog.set_level(logging.ERROR)
    names = [left(minutes=minutes) for minutes in range(1, 9) for _ in range(2)]
    assert swept() == 3
    assert there(*names).count(True) == 13
    assert "see `reconcile`" in caplog.text
    assert reconciliation.take_stock().findings == {}


def test_nothing_is_removed_that_was_there_when_the_database_was_put_back():
    """A later state may have had its record; what is stored from then on is removed as ever."""
    orphan = left(minutes=5)
    history.renew()
    assert swept() == 0
    assert there(orphan) == [True]
    # As of one that was stored a minute after it.
    History.objects.update(put_back_at=ago(minutes=1))
    OrphanSweep.objects.all().delete()
    assert swept() == 1


def test_a_worker_notices_that_the_database_was_put_back_under_it(caplog):
    sweep = orphans.Sweep()
    assert swept(sweep) == 0
    forgotten = left(minutes=5)
    OrphanSweep.objects.update(swept_until=ago(minutes=10))
    assert swept(sweep) == 0
    assert there(forgotten) == [True]
    assert "The database was put back" in caplog.text
    # Whichever worker looks next.
    assert swept() == 0


def test_while_the_store_is_away_nothing_is_passed_over(monkeypatch, outage):
    key = left(minutes=5)
    with outage():
        assert orphans.Sweep()() == 0
    assert swept() == 1
    assert there(key) == [False]


def test_a_record_that_was_made_meanwhile_keeps_its_object():
    key = left(minutes=5)
    assert orphans.is_orphan(key)
    image = uploads.drafted(NAME, 1, TESTS)
    image.key = key
    image.save()
    assert not orphans.is_orphan(key)
    assert Image.objects.count() == 1
