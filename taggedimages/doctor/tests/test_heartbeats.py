"""Workers tell that they live, and how they ended."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import F

from taggedimages.doctor import heartbeats, queues
from taggedimages.doctor.models import Heartbeat
from taggedimages.engines.state import CHECKOUT
from taggedimages.engines.tests.conftest import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def worker():
    """A real worker on the test's database."""
    url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**connection.settings_dict)
    variables = {"DATABASE_URL": url, "S3_BUCKET": settings.S3_BUCKET}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "work"],
        env=os.environ | variables,
        cwd=CHECKOUT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert eventually(lambda: heartbeats.living().exists())
    yield process
    process.kill()
    process.wait()


def later(seconds: float) -> None:
    """As if so much time had passed since all that was heard."""
    passed = timedelta(seconds=seconds)
    Heartbeat.objects.update(
        beat_at=F("beat_at") - passed, round_began_at=F("round_began_at") - passed
    )


def test_a_worker_that_runs_is_heard_of(worker):
    known = heartbeats.living().get()
    assert (known.pid, known.ended_at) == (worker.pid, None)
    assert [found.status for found in queues.workers()] == ["ok"]


def test_one_that_is_asked_to_end_says_so(worker):
    worker.terminate()
    worker.wait(30)
    later(600)
    assert not heartbeats.living().exists()
    assert not heartbeats.lost().exists()


def test_one_that_was_killed_is_missed(worker):
    worker.kill()
    worker.wait()
    assert heartbeats.living().exists()
    later(heartbeats.MISSED.seconds + 1)
    assert heartbeats.lost().get().pid == worker.pid
    assert [found.status for found in queues.workers()] == ["warn", "fail"]


def test_a_worker_whose_database_was_away_is_heard_of_again(worker):
    ended = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
    """
    with connection.cursor() as cursor:
        cursor.execute(ended)
    later(600)
    assert eventually(lambda: heartbeats.living().exists(), seconds=40)


def test_what_was_lost_long_ago_is_forgotten_by_those_that_live(worker):
    old = heartbeats.living().get()
    Heartbeat.objects.create(
        id="00000000-0000-0000-0000-000000000001",
        host="gone",
        pid=1,
        started_at=old.started_at - timedelta(days=9),
        beat_at=old.beat_at - timedelta(days=2),
        round_began_at=old.beat_at - timedelta(days=2),
    )
    assert eventually(lambda: not Heartbeat.objects.filter(host="gone").exists(), seconds=30)
