"""`manage.py purge`: abandoned uploads, stale parts, trash, files of deleted images."""

import io
import json
from datetime import timedelta

import pytest
import requests
from django.core.management import CommandError, call_command
from django.utils import timezone

from images import (
    deletion,
    part_uploads,
    purging,
    storage,
)
from images.models import Image, PartedUpload
from taggedimages.factories import TESTS, make_image, make_pending

pytestmark = pytest.mark.django_db

LONG_AGO = timedelta(days=40)
STEPS = (
    "forget_callers",
    "empty_trash",
    "end_abandoned",
    "abort_stale",
    "resume_held",
    "remove_deleted",
)
NOTHING = dict.fromkeys(STEPS, 0)


@pytest.fixture(autouse=True)
def _own(own_bucket):
    pass


def began(image, ago):
    """Let a record be so old."""
    Image.objects.filter(pk=image.pk).update(created_at=timezone.now() - ago, checks=1)
    image.refresh_from_db()
    return image


def begin_parts(ago):
    upload = part_uploads.plan("slide.tiff", 6, 1, TESTS)
    part_uploads.save(upload)
    began(upload.image, ago)
    PartedUpload.objects.update(begun_at=timezone.now() - ago)
    return upload


def test_without_apply_the_command_says_what_is_due_and_does_nothing(settings):
    began(make_pending(), LONG_AGO)
    begin_parts(LONG_AGO)
    trashed, deleted = make_image(), began(make_image(body=b"bytes"), LONG_AGO)
    Image.objects.filter(pk=trashed.pk).update(
        trashed_at=timezone.now() - LONG_AGO, ended_at=timezone.now()
    )
    deletion.delete(deleted)
    # What goes with this purge has to wait.
    settings.RETENTION_SECONDS = 3600
    due = NOTHING | {"empty_trash": 1, "end_abandoned": 2, "abort_stale": 1, "remove_deleted": 1}

    out = io.StringIO()
    for _ in range(2):
        call_command("purge", "--json", stdout=out)
    told = [json.loads(line) for line in out.getvalue().splitlines()]
    assert told == [{"applied": False, **due}] * 2
    assert storage.head(deleted.key)
    call_command("purge", "--apply", "--json", stdout=(done := io.StringIO()))
    assert json.loads(done.getvalue()) == {"applied": True, **due}
    assert storage.head(deleted.key) is None


def test_where_nothing_is_due_nothing_happens():
    make_image(body=b"bytes")
    make_pending()
    assert purging.purge() == NOTHING


class TestAbandoned:
    def test_a_record_whose_file_never_came_is_ended_and_says_why(self):
        image = began(make_pending(), LONG_AGO)

        assert purging.purge()["end_abandoned"] == 1
        image.refresh_from_db()
        assert image.upload_error == purging.ABANDONED
        assert image.deleted_at
        assert not Image.objects.current().filter(pk=image.pk).exists()
        assert purging.purge()["end_abandoned"] == 0

    def test_its_url_and_grace_must_have_passed(self, settings):
        late = settings.PRESIGNED_SECONDS + settings.UPLOAD_GRACE_SECONDS
        began(make_pending(), timedelta(seconds=late - 60))
        assert purging.purge() == NOTHING

    def test_a_file_that_nobody_noticed_is_taken_instead(self):
        image = began(make_pending(), LONG_AGO)
        storage.put(image.key, b"bytes")

        assert purging.purge()["end_abandoned"] == 0
        image.refresh_from_db()
        assert image.uploaded_at

    def test_a_record_that_says_what_went_wrong_stays(self):
        began(make_pending(upload_error="lost: the file is not in the bucket"), LONG_AGO)
        assert purging.purge() == NOTHING

    def test_an_upload_in_parts_has_longer(self):
        begin_parts(timedelta(days=6))
        assert purging.purge() == NOTHING


class TestStaleParts:
    def test_are_aborted_and_their_record_is_ended(self):
        upload = begin_parts(timedelta(days=8))

        done = purging.purge()

        assert (done["abort_stale"], done["end_abandoned"]) == (1, 1)
        assert storage.parts(upload.image.key, upload.upload_id) is None
        assert not PartedUpload.objects.exists()

    def test_without_a_record_are_aborted_too(self, settings):
        upload_id = storage.begin_parts("archive/nobody/knows")
        settings.MULTIPART_SECONDS = -60

        assert purging.purge()["abort_stale"] == 1
        assert storage.parts("archive/nobody/knows", upload_id) is None


class TestOverfullParts:
    MIB = 1024**2

    def send(self, *lengths):
        """An upload of 6 MiB in two parts, to which parts of these lengths were sent."""
        upload = part_uploads.plan("slide.tiff", 6 * self.MIB, 2, TESTS)
        part_uploads.save(upload)
        for url, length in zip(part_uploads.urls(upload).values(), lengths, strict=False):
            assert requests.put(url, data=b"x" * length, timeout=10).status_code == 200
        return upload

    def test_are_freed_and_their_record_is_ended(self):
        upload = self.send(5 * self.MIB, self.MIB + 1)

        assert purging.purge()["abort_stale"] == 1
        assert storage.parts(upload.image.key, upload.upload_id) is None
        image = Image.objects.get(pk=upload.image.pk)
        assert image.upload_error == purging.OVERFULL
        assert image.deleted_at

    def test_no_more_than_declared_is_left_alone(self):
        self.send(5 * self.MIB, self.MIB)
        assert purging.purge() == NOTHING


class TestTrash:
    @pytest.mark.parametrize(("days", "emptied"), [(29, 0), (31, 1)])
    def test_is_emptied_after_thirty_days(self, days, emptied):
        since = timezone.now() - timedelta(days=days)
        image = make_image(body=b"bytes", trashed_at=since, ended_at=since)

        done = purging.purge()

        assert (done["empty_trash"], done["remove_deleted"]) == (emptied, emptied)
        assert (storage.head(image.key) is None) is bool(emptied)


class TestDeleted:
    def test_files_are_removed_once(self):
        image = began(make_image(body=b"bytes"), LONG_AGO)
        deletion.delete(image)

        assert purging.purge() == NOTHING | {"remove_deleted": 1}
        assert storage.head(image.key) is None
        assert purging.purge() == NOTHING

    def test_files_are_kept_for_the_retention(self, settings):
        settings.RETENTION_SECONDS = 3600
        image = make_image(body=b"bytes")
        deletion.delete(image)

        assert purging.purge() == NOTHING
        assert storage.head(image.key)
        assert not Image.objects.current().filter(pk=image.pk).exists()

    def test_an_outage_of_the_store_delays_it(self, outage):
        image = make_image(body=b"bytes")
        deletion.delete(image)

        with outage(), pytest.raises(CommandError, match="next time"):
            call_command("purge", "--apply")
        assert storage.head(image.key)

        out = io.StringIO()
        call_command("purge", "--apply", stdout=out)
        assert out.getvalue() == (
            "forget callers: 0, empty trash: 0, end abandoned: 0, abort stale: 0,"
            " resume held: 0, remove deleted: 1\n"
        )
        assert storage.head(image.key) is None


def test_the_worker_purges_now_and_then_whether_or_not_the_store_is_there(settings, outage):
    image = make_image(body=b"bytes")
    deletion.delete(image)
    purge = purging.PeriodicPurge()
    settings.PURGE_SECONDS = 0

    with outage():
        purge()
    settings.PURGE_SECONDS = 3600
    purge()
    assert storage.head(image.key) is None

    deletion.delete(make_image(body=b"bytes"))
    purge()
    assert Image.objects.filter(deleted_at__isnull=False, check_at__lte=timezone.now()).exists()
