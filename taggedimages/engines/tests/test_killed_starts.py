"""`up` killed while it starts, at any moment, with all its processes or alone: the next one serves.

TEST_START_KILLS says how often, TEST_SEED which moments.
"""

import contextlib
import os
import random
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from taggedimages.engines import process, state
from taggedimages.engines.tests.conftest import Up, finish, launch, without_engines

KILLS = int(os.environ.get("TEST_START_KILLS", "4"))
SEED = int(os.environ.get("TEST_SEED", "13"))
# Kills in a row on one folder, whose last start has to serve.
IN_A_ROW = 4
START_SECONDS, LONGEST_SECONDS = 90, 7


def begun(data: Path, port: int) -> Up:
    return Up(data, launch(data, f"--port={port}", env=without_engines()))


def kill(up: Up, alone: bool) -> None:
    """End it by force, and unless `alone` all that it had started."""
    started = [] if alone else psutil.Process(up.process.pid).children(recursive=True)
    up.process.kill()
    for child in started:
        with contextlib.suppress(psutil.Error):
            child.kill()
    up.process.wait(5)


def wait_until_it_serves(up: Up) -> None:
    until = time.monotonic() + START_SECONDS
    while "is up." not in up.output:
        assert up.process.poll() is None, up.output
        assert time.monotonic() < until, up.output
        time.sleep(0.05)
    assert up.is_ready(), up.output


@pytest.mark.parametrize("row", range(KILLS // IN_A_ROW))
def test_the_next_one_serves(tmp_path: Path, row: int) -> None:
    moments = random.Random(f"{SEED} {row}")
    data, port = tmp_path / "data", state.free_port()
    killed = []
    for _ in range(IN_A_ROW):
        # Early moments are as many as late ones, though later parts take longer.
        seconds, alone = LONGEST_SECONDS * moments.random() ** 1.5, moments.random() < 0.5
        killed.append((round(seconds, 2), "alone" if alone else "all"))
        up = begun(data, port)
        time.sleep(seconds)
        assert up.process.poll() is None, f"{killed}\n{up.output}"
        kill(up, alone)
    up = begun(data, port)
    try:
        wait_until_it_serves(up)
    finally:
        finish(up)
    assert process.of_folder(data) == []


def test_what_files_say_of_processes_is_not_believed(tmp_path: Path) -> None:
    """Their numbers are those of others by now, who live on; and files are cut off."""
    data, port = tmp_path / "data", state.free_port()
    up = begun(data, port)
    wait_until_it_serves(up)
    kill(up, alone=False)
    process.end_left(data, 5)
    home = data / "postgres" / "data"
    with subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"], cwd=home
    ) as foreign:
        lines = (f"{foreign.pid}\n{home}\n1\n1\n\n127.0.0.1\n 1 1\nready\n", "")
        for said in lines:
            for file in (home / "postmaster.pid", data / "up.lock", data / "state.json"):
                owner = file.parent.stat() if file.exists() else home.stat()
                file.write_text(said)
                os.chown(file, owner.st_uid, owner.st_gid)
            up = begun(data, port)
            try:
                wait_until_it_serves(up)
            finally:
                finish(up)
        assert foreign.poll() is None
        foreign.kill()


def test_whoever_else_has_the_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        up = begun(tmp_path / "data", taken.getsockname()[1])
        assert up.process.wait(60) == 1
    assert "Address already in use" in up.output
    assert f"pid {os.getpid()} (" in up.output
    assert "Try --port" in up.output


def test_what_is_forked_while_others_are_ended_is_ended_too(tmp_path: Path) -> None:
    """One that ignores a polite end, and starts another as its last deed."""
    last_deed = (
        "import signal, subprocess, sys, time\n"
        "code = 'import time; time.sleep(600)'\n"
        "def fork(*_):\n"
        "    subprocess.Popen([sys.executable, '-c', code], start_new_session=True)\n"
        "    sys.exit()\n"
        "signal.signal(signal.SIGTERM, fork)\n"
        "print('ready', flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", last_deed],
        env=os.environ | {process.MARK: f"web@{tmp_path}"},
        stdout=subprocess.PIPE,
    ) as left:
        assert left.stdout
        assert left.stdout.readline()
        assert process.end_left(tmp_path, 5) == 2
    assert process.of_folder(tmp_path) == []
