"""The worker builds releases in a thread of its own, which lasts as long as there are any."""

import threading
import time

import pytest
from django.db import DatabaseError

from taggedimages.datasets import building, work
from taggedimages.datasets.models import Release, ReleaseState
from taggedimages.datasets.tests.releases import asked_for, ready_images
from taggedimages.datasets.work import Builds

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stop():
    return threading.Event()


def threads():
    return [one for one in threading.enumerate() if one.name == work.THREAD]


def wait_until(is_so):
    until = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.02)


def states():
    return [release.state for release in Release.objects.order_by("pk")]


def test_all_that_wait_are_built_and_then_there_is_no_thread(stop):
    ready_images(2)
    for _ in range(3):
        asked_for()
    with Builds(stop) as builds:
        builds()
        wait_until(lambda: not threads())
    assert states() == [ReleaseState.RELEASED] * 3


def test_without_any_there_is_none(stop):
    with Builds(stop) as builds:
        builds()
        assert not threads()


def test_a_build_that_breaks_off_says_why_and_is_tried_again(stop, settings, monkeypatch, caplog):
    settings.SWEEP_SECONDS = 0.01
    ready_images(2)
    release = asked_for()
    noted: list[object] = []
    build = building.build

    def break_off_once(release_id, stopping):
        if not noted:
            noted.append(release_id)
            raise DatabaseError("it went away")
        release.refresh_from_db()
        noted.append(release.problem)
        build(release_id, stopping)

    monkeypatch.setattr(building, "build", break_off_once)
    with Builds(stop) as builds:
        builds()
        wait_until(lambda: not threads())
    assert noted == [release.pk, "The database failed: it went away"]
    assert states() == [ReleaseState.RELEASED]
    release.refresh_from_db()
    assert release.problem == ""
    assert "it is tried again" in caplog.text


def test_a_worker_that_ends_leaves_what_it_is_at_to_the_next(stop, monkeypatch):
    ready_images(2)
    release = asked_for()
    begun = threading.Event()

    def until_told(release_id, stopping):
        begun.set()
        wait_until(stopping)
        raise building.Stopped

    with monkeypatch.context() as patched, Builds(stop) as builds:
        patched.setattr(building, "build", until_told)
        builds()
        assert begun.wait(30)
        stop.set()
    assert not threads()
    release.refresh_from_db()
    assert (release.state, release.attempts) == (ReleaseState.BUILDING, 0)
    building.sweep()
    assert states() == [ReleaseState.RELEASED]
