"""What waits, and what was given up, by the records that there are."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from images.models import Facts, Image
from search.models import PendingChange, Rebuild
from taggedimages.backup.models import Backup
from taggedimages.changes.models import Change, Kind, State
from taggedimages.datasets.models import Dataset, Erasure, Release, ReleaseState
from taggedimages.doctor import backups, queues
from taggedimages.doctor.findings import Status
from taggedimages.doctor.models import Heartbeat
from taggedimages.doctor.tests.told import one
from taggedimages.factories import make_image, make_pending

pytestmark = pytest.mark.django_db


def ago(**units: float):
    return timezone.now() - timedelta(**units)


def beat(seconds_ago: float = 1, *, round_minutes: float = 0, ended: bool = False) -> Heartbeat:
    """A worker that was heard of so long ago."""
    at = ago(seconds=seconds_ago)
    return Heartbeat.objects.create(
        id=uuid.uuid4(),
        host="here",
        pid=7,
        started_at=ago(days=1),
        beat_at=at,
        round_began_at=at - timedelta(minutes=round_minutes),
        ended_at=at if ended else None,
    )


def refuse(reason: str) -> None:
    """An upload that was refused."""
    Image.objects.filter(pk=make_pending().pk).update(upload_error=reason)


class TestWorkers:
    def test_without_one_nothing_is_done(self):
        found = one(queues.workers())
        assert found.status == Status.FAIL
        assert "manage.py work" in found.do

    def test_one_that_runs_is_well(self):
        beat()
        assert one(queues.workers()) == ("ok", "The worker 7 on here runs.", "")
        beat()
        assert one(queues.workers()).says == "2 workers run."

    def test_one_that_is_silent_is_named(self):
        beat(600)
        silent, none = queues.workers()
        assert (silent.status, none.status) == (Status.WARN, Status.FAIL)
        assert silent.says.startswith("The worker 7 on here was last heard of 10 min ago")

    def test_one_that_ended_as_it_was_asked_to_is_not_named(self):
        beat(600, ended=True)
        beat()
        assert one(queues.workers()).status == Status.OK

    def test_one_that_hangs_in_its_work_is_named(self):
        beat(round_minutes=45)
        found = one(queues.workers())
        assert found.status == Status.WARN
        assert "in one round of work since 45 min" in found.says


class TestIndex:
    def test_an_index_that_knows_all_is_well(self):
        assert one(queues.index()).says == "0 changes wait to come into the tag index."

    @pytest.mark.parametrize(
        ("count", "status"), [(1_001, Status.WARN), (10_001, Status.FAIL)], ids=str
    )
    def test_many_changes_make_searches_slow(self, count, status):
        PendingChange.objects.bulk_create(PendingChange(image_id=n) for n in range(count))
        assert one(queues.index()).status == status

    def test_a_change_that_stays_is_told(self, monkeypatch):
        monkeypatch.setattr(queues, "LOOK_AGAIN_SECONDS", 0.3)
        PendingChange.objects.create(image_id=1)
        found = one(queues.index())
        assert found.status == Status.WARN
        assert found.says.startswith("1 changes wait")

    def test_a_rebuild_that_nobody_does_is_told(self):
        Rebuild.objects.create()
        Rebuild.objects.update(asked_at=ago(hours=3))
        first, _ = queues.index()
        assert first.says == "The tag index is to be made anew since 3 h."


class TestUploads:
    @pytest.mark.parametrize(
        ("late", "status"),
        [
            (timedelta(seconds=20), Status.OK),
            (timedelta(minutes=20), Status.WARN),
            (timedelta(hours=5), Status.FAIL),
        ],
        ids=str,
    )
    def test_what_waits_is_judged_by_what_has_waited_longest(self, late, status):
        Image.objects.update(check_at=None)
        for wait in (timedelta(seconds=1), late):
            Image.objects.filter(pk=make_image().pk).update(check_at=timezone.now() - wait)
        found = one(queues.uploads())
        assert (found.status, found.says[:21]) == (status, "2 images wait for the")

    @pytest.mark.parametrize("word", ["lost", "missing", "damaged"])
    def test_a_file_that_is_of_no_use_any_more_fails(self, word):
        if word == "lost":
            refuse("lost: it is gone")
        else:
            Facts.objects.create(image=make_image(), problem=f"{word}: it is gone")
        found = one(queues.failed_uploads())
        assert found.status == Status.FAIL
        assert found.says.startswith("1 files ")

    def test_refusals_are_told_where_there_are_many(self, monkeypatch):
        refuse("too_large: no room")
        assert one(queues.failed_uploads()).status == Status.OK
        monkeypatch.setattr(queues, "MANY_REFUSED", 0)
        assert one(queues.failed_uploads()).says == "1 uploads of the last day were refused."

    def test_failures_are_found_by_their_indexes(self):
        """Among very many images that are in order."""
        from django.db import connection

        refused = Image.objects.filter(upload_error__gt="", deleted_at=None)
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
        plan = refused.filter(upload_error__startswith="lost:").explain()
        assert "image_refused" in plan
        due = Image.objects.filter(check_at__lt=timezone.now()).order_by("check_at")
        assert "image_to_check" in due.explain()


class TestChanges:
    def make(self, state: State, **fields) -> Change:
        change = Change.objects.create(
            kind=Kind.RETAG,
            state=state,
            operation={},
            author_name="mira",
            through="v1",
            project_id="default",
        )
        Change.objects.filter(pk=change.pk).update(**fields)
        return change

    def test_one_that_gets_on_is_well(self):
        self.make(State.APPLYING)
        self.make(State.PLANNED, updated_at=ago(days=3))
        self.make(State.APPLIED, updated_at=ago(days=3))
        assert one(queues.changes()) == ("ok", "1 changes are under way.", "")

    @pytest.mark.parametrize("state", [State.PLANNING, State.APPLYING])
    def test_one_that_does_not_get_on_is_named(self, state):
        change = self.make(state, updated_at=ago(minutes=30))
        found = one(queues.changes())
        assert found.says == f"Change {change.pk} is {state} and has not got on for 30 min."
        assert f"manage.py changes show {change.pk}" in found.do

    @pytest.mark.parametrize("state", [State.STOPPED, State.FAILED])
    def test_one_that_was_left_half_way_is_named(self, state):
        change = self.make(state)
        found = one(queues.changes())
        assert found.says == f"Changes failed or were stopped half-way: {change.pk}."


def test_a_release_that_is_not_built_is_named():
    dataset = Dataset.objects.create(
        name="knees", salt=b"s" * 32, project_id="default", author_name="mira"
    )
    release = Release.objects.create(
        dataset=dataset, number=3, query={}, question={}, author_name="mira", through="v1"
    )
    assert one(queues.releases()) == ("ok", "1 releases are being built.", "")
    Release.objects.update(created_at=ago(hours=4), attempts=2, problem="The store was away.")
    found = one(queues.releases())
    assert found.says == (
        "Release 3 of knees is being built since 4 h, in 2 attempts. The store was away."
    )
    Release.objects.filter(pk=release.pk).update(state=ReleaseState.FAILED)
    assert one(queues.releases()).status == Status.OK


def test_an_erasure_that_is_not_done_fails():
    Erasure.objects.create(image_id=7, reason="asked for", author_name="mira")
    assert one(queues.removals()).status == Status.OK
    Erasure.objects.update(due_at=ago(hours=2), last_at=ago(hours=2))
    found = one(queues.removals())
    assert (found.status, found.says[:9]) == (Status.FAIL, "1 images ")
    Erasure.objects.update(done_at=timezone.now())
    assert one(queues.removals()).status == Status.OK


def test_trash_that_nobody_empties_is_told(settings):
    image = make_image()
    since = {"trashed_at": ago(days=30.5), "ended_at": ago(days=30.5)}
    Image.objects.filter(pk=image.pk).update(**since)
    assert one(queues.removals()).status == Status.OK
    since = {"trashed_at": ago(days=40), "ended_at": ago(days=40)}
    Image.objects.filter(pk=image.pk).update(**since)
    assert one(queues.removals()).status == Status.WARN


class TestBackup:
    def test_without_any_that_is_told(self):
        assert one(backups.last()).status == Status.WARN

    @pytest.mark.parametrize(
        ("days", "status"), [(0.5, Status.OK), (3, Status.WARN), (9, Status.FAIL)]
    )
    def test_the_last_one_that_is_whole_is_judged_by_its_age(self, days, status):
        for verified_at in (ago(days=days), ago(days=20), None):
            Backup.objects.create(
                started_at=timezone.now(),
                finished_at=timezone.now(),
                folder="/backup",
                images=1,
                objects_count=1,
                bytes=1,
                verified_at=verified_at,
            )
        assert one(backups.last()).status == status
