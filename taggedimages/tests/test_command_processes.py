"""Commands as processes: ended by a signal, read by somebody who has seen enough, on a disk that is
full, and on a terminal."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection, transaction

from taggedimages.engines.state import CHECKOUT
from taggedimages.factories import make_image
from taggedimages.tests.servers import reaching

pytestmark = pytest.mark.django_db(transaction=True)
MANAGE = [sys.executable, str(CHECKOUT / "manage.py")]
WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()
"""


@pytest.fixture
def environment() -> dict[str, str]:
    store = urlsplit(settings.S3_ENDPOINT_URL)
    return reaching(int(connection.settings_dict["PORT"]), store.port or 80)


def waiting() -> int:
    """How many others wait for a lock."""
    with connection.cursor() as cursor:
        # Within a transaction, the answer stays the first one otherwise.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(WAITING)
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_one_that_waits_for_the_database(environment, number):
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE images_image IN ACCESS EXCLUSIVE MODE")
        process = subprocess.Popen(
            [*MANAGE, "find", ""],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        comes_true(lambda: waiting() == 1)
        process.send_signal(number)
        # The lock is held until after: nothing but the signal ends it.
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out, err) == (128 + number, "", "")
        comes_true(lambda: waiting() == 0)


def comes_true(condition: Callable[[], bool]) -> None:
    """Wait for it, a minute at most."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def shell(line: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """What a line of bash comes to, in which `manage` is manage.py."""
    script = f'set -o pipefail; manage() {{ "$PYTHON" "$MANAGE" "$@"; }}; {line}'
    names = {"PYTHON": MANAGE[0], "MANAGE": MANAGE[1]}
    return subprocess.run(
        ["bash", "-c", script], env=environment | names, capture_output=True, text=True, timeout=120
    )


def test_who_reads_may_have_seen_enough(environment):
    make_image("knee")
    # By the first line, nobody is there any more.
    ran = shell("manage export '' | true", environment)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_a_disk_that_is_full_is_told_in_a_line(environment):
    make_image("knee")
    ran = shell("manage find '' > /dev/full", environment)
    assert ran.returncode == 1
    assert ran.stderr == "CommandError: [Errno 28] No space left on device\n"


def test_a_terminal_has_a_bar(environment, tmp_path):
    make_image("knee")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        [*MANAGE, "export", "", "--output", str(tmp_path / "all.ndjson")],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    )
    os.close(theirs)
    out, _ = process.communicate(timeout=60)
    shown = os.read(ours, 10_000).decode()
    os.close(ours)
    assert process.returncode == 0
    assert out.startswith("1 images, ")
    assert "Export: 100%" in shown
