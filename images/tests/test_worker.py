"""manage.py work as a real process: killed, stopped, and several at once."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from images import storage, uploads
from images.models import Image
from images.tests.files import encoded, photo, png_bomb
from search.models import PendingChange
from taggedimages.factories import TESTS, make_image, make_pending, send

pytestmark = pytest.mark.django_db(transaction=True)

# Takes its inspection a second or more.
SLOW = png_bomb(10_000, 5_000)


@pytest.fixture(autouse=True)
def ledger_may_be_emptied():
    """The end of such a test empties every table."""
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET taggedimages.may_truncate = on")


@pytest.fixture
def start():
    """Starts workers on the test database; whatever still runs is killed at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def run(*arguments: str, **variables: str) -> subprocess.Popen[bytes]:
        url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**connection.settings_dict)
        environment = os.environ | {"DATABASE_URL": url, "TAGGEDIMAGES_SWEEP_SECONDS": "0.1"}
        environment |= variables
        command = [sys.executable, "manage.py", "work", *arguments]
        started.append(
            subprocess.Popen(
                command, env=environment, cwd=settings.BASE_DIR, stdout=subprocess.DEVNULL
            )
        )
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.wait()


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    ends_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends_at, "waited in vain"
        time.sleep(0.05)


def uploaded(body: bytes) -> Image:
    return make_image(body=body, check_at=timezone.now())


def begun(image: Image) -> bool:
    return Image.objects.get(pk=image.pk).attempts > 0


def is_due() -> bool:
    return Image.objects.filter(check_at__lte=timezone.now()).exists()


def states() -> set[str]:
    return {image.state for image in Image.objects.select_related("facts")}


def test_a_worker_killed_in_the_middle_loses_nothing(start):
    image = uploaded(SLOW)
    worker = start()
    wait_for(lambda: begun(image))
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert Image.objects.get().state == "uploaded"
    # Its claim runs out by itself; the test does not wait for that.
    assert not is_due()
    Image.objects.update(check_at=timezone.now())
    start()
    wait_for(lambda: states() == {"ready"})
    assert Image.objects.get().attempts == 2


def test_a_worker_takes_a_file_that_nobody_announced(start):
    start()
    image = uploads.begin("sun.png", None, TESTS)
    send(storage.presign_put(image.key), encoded(photo(), "PNG"))
    wait_for(lambda: states() == {"ready"})


def test_a_worker_told_to_stop_hands_back_or_ends_what_it_holds(start):
    image = uploaded(SLOW)
    worker = start()
    wait_for(lambda: begun(image))
    worker.terminate()
    assert worker.wait(20) == 0
    back = Image.objects.get()
    assert back.state == "ready" or (back.attempts == 0 and is_due())


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_worker_told_to_stop_ends_in_time_whatever_it_waits_for(start, processes):
    image = make_image(check_at=timezone.now())
    with transaction.atomic(), connection.cursor() as cursor:
        # As a migration or VACUUM FULL would; no statement of the worker's comes past it.
        cursor.execute("LOCK TABLE images_image IN ACCESS EXCLUSIVE MODE")
        worker = start("--processes", processes, TAGGEDIMAGES_STOP_SECONDS="1")
        wait_for(lambda: waiting_for_locks() > 0)
        worker.terminate()
        assert worker.wait(30) == 0
        assert waiting_for_locks() == 0
    assert Image.objects.get(pk=image.pk).attempts == 0


def test_changes_come_into_the_index_while_files_wait(start):
    image, other = make_pending(check_at=timezone.now()), make_image()
    storage.put(image.key, encoded(photo(), "PNG"))
    with transaction.atomic(), closing(connection.copy()) as beside:
        # As one that is just taking this file; the only thread for files waits for it.
        uploads.one_at_a_time(image)
        start(TAGGEDIMAGES_FILES_AT_ONCE="1")
        wait_for(lambda: waiting_for_locks() > 0)
        with beside.cursor() as cursor:
            cursor.execute("UPDATE images_image SET visibility = 1 WHERE id = %s", [other.pk])
            assert PendingChange.objects.exists()
        wait_for(lambda: not PendingChange.objects.exists())
        assert waiting_for_locks() > 0
    wait_for(lambda: Image.objects.get(pk=image.pk).state == "ready")


def waiting_for_locks() -> int:
    """How many other connections wait for a lock."""
    with connection.cursor() as cursor:
        # Within a transaction the view stays as it was first seen.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        (count,) = cursor.fetchone()
    return int(count)


def test_several_workers_share_the_files_and_survive_a_kill(start):
    for seed in range(12):
        uploaded(encoded(photo(seed=seed), "PNG"))
    uploaded(b"no image")
    crew = start("--processes", "2")
    wait_for(lambda: "ready" in states())
    child = subprocess.run(
        ["pgrep", "-P", str(crew.pid)], capture_output=True, text=True, check=True
    )
    os.kill(int(child.stdout.split()[0]), signal.SIGKILL)
    Image.objects.filter(processed_at=None).update(check_at=timezone.now())
    wait_for(lambda: states() == {"ready", "failed"})
    crew.terminate()
    assert crew.wait(20) == 0
