"""Logs of the parts: bounded, however long a part writes, and whatever room there is."""

import subprocess
import sys
import time

import pytest

from taggedimages.engines import process
from taggedimages.engines.process import bound_log
from taggedimages.engines.state import CHECKOUT

WRITER = """
import os, sys
log = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
number = 0
while True:
    os.write(log, b"%09d%s\\n" % (number, b"." * 90))
    number += 1
"""
# Files may not grow as large as the log is: a disk that is full, for who makes a copy.
WITHOUT_ROOM = """
import resource, signal, sys
from pathlib import Path
from taggedimages.engines.process import bound_log
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
bound_log(Path(sys.argv[1]))
"""


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(process, "MAX_LOG_BYTES", 200_000)


def test_a_short_log_stays_as_it_is(tmp_path):
    log = tmp_path / "web.log"
    log.write_text("a line\n")
    bound_log(log)
    assert [file.name for file in tmp_path.iterdir()] == ["web.log"]


def test_a_log_that_is_not_there_is_none(tmp_path):
    bound_log(tmp_path / "web.log")
    assert list(tmp_path.iterdir()) == []


def test_older_logs_move_on_and_the_oldest_goes(tmp_path, small):
    log = tmp_path / "web.log"
    for number in range(7):
        log.write_bytes(b"%d" % number * 200_001)
        bound_log(log)
        assert log.stat().st_size == 0
    kept = {file.name: file.read_bytes()[:1] for file in tmp_path.iterdir() if file != log}
    assert kept == {"web.log.1": b"6", "web.log.2": b"5", "web.log.3": b"4", "web.log.4": b"3"}


def test_who_writes_all_the_while_keeps_its_file(tmp_path, small):
    log = tmp_path / "web.log"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(log)])
    try:
        rotations = 0
        while rotations < 3:
            time.sleep(0.01)
            rotations += log.exists() and log.stat().st_size > process.MAX_LOG_BYTES
            bound_log(log)
        while not log.stat().st_size:
            time.sleep(0.01)
    finally:
        writer.kill()
        writer.wait()
    # From the oldest to what is written now: whole lines in their order, but for the cuts.
    files = [tmp_path / f"web.log.{age}" for age in (4, 3, 2, 1)] + [log]
    lines = b"".join(file.read_bytes() for file in files if file.exists()).split(b"\n")
    numbers = [int(line[:9]) for line in lines if len(line) == 99 and line[:9].isdigit()]
    assert numbers == sorted(set(numbers))
    assert len(lines) - len(numbers) <= 4


def test_without_room_for_a_copy_the_log_is_cut_all_the_same(tmp_path):
    log = tmp_path / "web.log"
    log.write_bytes(b"x" * (process.MAX_LOG_BYTES + 1))
    (tmp_path / "web.log.1").write_bytes(b"old")
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_ROOM, str(log)], cwd=CHECKOUT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "no copy is kept" in done.stderr
    assert {file.name: file.stat().st_size for file in tmp_path.iterdir()} == {"web.log": 0}
