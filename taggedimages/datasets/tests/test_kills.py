"""A worker that is killed while it builds a release leaves nothing of it, and holds nothing.

RELEASE_KILLS says how many are killed, each somewhere else on its way.
"""

import os
import signal
import subprocess
import sys
import time

import pytest
from django.conf import settings
from django.db import connection

from images import deletion, purging, storage
from taggedimages.datasets import building, signing, verifying
from taggedimages.datasets.models import Chunk, MemberSet, Release, ReleaseState
from taggedimages.datasets.tests import ending_builder
from taggedimages.datasets.tests.releases import asked_for, make_dataset, ready_images
from taggedimages.datasets.tests.test_races import Meanwhile, asking

__all__ = ["asking"]

pytestmark = pytest.mark.django_db(transaction=True)
KILLS = int(os.environ.get("RELEASE_KILLS", "3"))
WAIT_SECONDS = 60
# Other test processes have databases of their own beside this one.
LOCKS = """
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def killed(number: int) -> None:
    """A worker that is killed before the statement of this number."""
    url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**connection.settings_dict)
    command = [sys.executable, "-m", ending_builder.__name__, str(number)]
    worker = subprocess.Popen(
        command, env=os.environ | {"DATABASE_URL": url}, cwd=settings.BASE_DIR
    )
    assert worker.wait(WAIT_SECONDS) == -signal.SIGKILL


def wait_until_its_session_is_over() -> None:
    ends_at = time.monotonic() + WAIT_SECONDS
    with connection.cursor() as cursor:
        cursor.execute(LOCKS)
        while cursor.fetchone()[0]:
            assert time.monotonic() < ends_at
            time.sleep(0.02)
            cursor.execute(LOCKS)


def statements(asking) -> int:
    """How many a build has, with its commits; there is a key then."""
    signing.ensure_key()
    made = Meanwhile(asking, lambda: None)
    with made():
        assert building.sweep() == 1
    return made.statements


def test_another_builds_it_anew_and_in_between_nothing_is_left_or_held(asking):
    gone, *kept = ready_images(4, stored=True)
    dataset = make_dataset()
    asked_for(dataset)
    most = statements(asking)
    # What is held by the first is none of this test's.
    Release.objects.all().update(state=ReleaseState.FAILED)
    before = Chunk.objects.count(), MemberSet.objects.count()
    release = asked_for(dataset)
    for kill in range(KILLS):
        # However many are killed, this one is not given up.
        Release.objects.filter(pk=release.pk).update(attempts=0)
        # Its own session begins with some statements, before it knows what to build.
        killed(3 + kill * (most - 3) // KILLS)
        wait_until_its_session_is_over()
        release.refresh_from_db()
        assert release.state == ReleaseState.BUILDING
        assert release.attempts <= 1
        assert (Chunk.objects.count(), MemberSet.objects.count()) == before
    deletion.delete(gone)
    purging.purge()
    assert storage.head(gone.key) is None
    assert building.sweep() == 1
    release.refresh_from_db()
    assert (release.state, release.members) == (ReleaseState.RELEASED, len(kept))
    assert verifying.verify(release, deep=True).ok
