"""`manage.py doctor` on a whole installation, with each of its parts well and really broken."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from taggedimages.doctor.checks import checks
from taggedimages.engines.state import CHECKOUT
from taggedimages.engines.tests.conftest import Up, eventually, finish, start, without_engines

# Of the disk: the database takes some 50 MB of it.
DISK, FULL_AT = "300m", 48 * 1024**2
SETTINGS = {
    "TAGGEDIMAGES_MIN_FREE_BYTES": str(FULL_AT),
    # Files that are inspected lie elsewhere.
    "TAGGEDIMAGES_MAX_INSPECTED_BYTES": "1000000",
    # What hangs is given up soon.
    "TAGGEDIMAGES_S3_READ_SECONDS": "1",
    "TAGGEDIMAGES_S3_TRIES": "1",
}


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory) -> Iterator[Path]:
    """A disk of its own, which can be filled; an ordinary folder where none can be mounted."""
    folder = tmp_path_factory.mktemp("disk")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "doctor", str(folder)]
    is_mounted = (
        sys.platform == "linux" and subprocess.run(mount, capture_output=True).returncode == 0
    )
    yield folder
    if is_mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(scope="module")
def up(small_disk) -> Iterator[Up]:
    running = start(small_disk / "data", without_engines() | SETTINGS)
    yield running
    finish(running)


def doctor(data: Path, *arguments: str) -> tuple[int, dict[str, list[dict[str, Any]]]]:
    """The exit code, and the lines of each check."""
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor", "--json", *arguments],
        env=without_engines() | SETTINGS | {"TAGGEDIMAGES_DATA": str(data)},
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "Traceback" not in done.stderr
    lines: dict[str, list[dict[str, Any]]] = {}
    for line in map(json.loads, done.stdout.splitlines()):
        assert list(line) == ["check", "status", "says", "do"]
        assert line["status"] in ("ok", "warn", "fail")
        assert bool(line["do"]) is (line["status"] != "ok")
        lines.setdefault(line["check"], []).append(line)
    return done.returncode, lines


def failing(lines: dict[str, list[dict[str, Any]]]) -> set[str]:
    return {name for name, told in lines.items() for line in told if line["status"] == "fail"}


def test_an_installation_that_is_well_says_so_and_no_secret(up):
    # The worker is ready a moment before its heart beats.
    assert eventually(lambda: doctor(up.data, "--only", "workers")[0] == 0)
    code, lines = doctor(up.data)
    assert list(lines) == [check.name for check in checks()]
    # There is no backup yet, and others work in this checkout.
    wrong = [line for told in lines.values() for line in told if line["status"] != "ok"]
    assert [line for line in wrong if line["check"] not in ("backup", "versions")] == []
    assert (code, lines["backup"][0]["status"]) == (0, "warn")
    known = up.state
    for secret in (known.secret_key, known.service_password, known.s3_secret_key):
        assert secret not in json.dumps(lines)


@contextmanager
def halted(processes: list[psutil.Process]) -> Iterator[None]:
    for one in processes:
        one.suspend()
    try:
        yield
    finally:
        for one in processes:
            one.resume()


def test_a_store_that_is_stopped_fails_and_is_not_waited_for(up):
    with halted(up.part("seaweedfs")):
        code, lines = doctor(up.data)
    assert code == 1
    assert failing(lines) == {"service", "store", "store_clock"}
    assert lines["bucket_rights"][0]["says"] == "Not looked at: the store does not answer."
    assert "seaweedfs.log" in lines["store"][0]["do"]
    assert eventually(up.is_ready)


def test_a_database_that_is_stopped_fails_and_is_not_waited_for(up):
    with halted(up.part("postgres")):
        code, lines = doctor(up.data)
    assert code == 1
    assert failing(lines) == {"service", "database"}
    assert lines["workers"][0]["says"] == "Not looked at: the database does not answer."
    assert "postgres.log" in lines["database"][0]["do"]
    assert lines["store"][0]["status"] == "ok"
    assert eventually(up.is_ready)


def test_keys_that_others_can_read_fail(up):
    state = up.data / "state.json"
    state.chmod(0o644)
    try:
        code, lines = doctor(up.data, "--only", "data_folder")
        assert (code, failing(lines)) == (1, {"data_folder"})
        assert lines["data_folder"][0]["do"].startswith(f"`chmod 600 {state}`")
    finally:
        state.chmod(0o600)


def write(up: Up, number: int) -> requests.Response:
    return requests.post(f"{up.url}/v1/tags", json={"name": f"tag {number}"}, timeout=10)


def test_a_full_disk_is_told_by_everybody_and_nothing_is_lost(up, small_disk):
    if not os.path.ismount(small_disk):
        pytest.skip("A disk of its own cannot be mounted here: only root of Linux can.")
    filler = small_disk / "filler"
    assert write(up, 0).status_code == 201
    try:
        fill(filler)
        refused = [write(up, number) for number in range(1, 30)]
        assert {answer.status_code for answer in refused} <= {201, 503}
        ready = requests.get(f"{up.url}/readyz", timeout=10)
        assert ready.json()["disk"] == "full"
        assert ready.json()["status"] != "ok"
        assert requests.get(f"{up.url}/readyz?writes", timeout=10).status_code == 503
        code, lines = doctor(up.data, "--only", "disk", "service")
        assert (code, "disk" in failing(lines)) == (1, True)
        assert lines["disk"][0]["says"].startswith("The disk is full")
        assert "disk full" in lines["service"][0]["says"]
    finally:
        filler.unlink()
    assert eventually(lambda: requests.get(f"{up.url}/readyz?writes", timeout=10).ok)
    assert eventually(lambda: write(up, 99).status_code == 201)
    kept = {
        tag["name"]
        for tag in requests.get(f"{up.url}/v1/tags?limit=100", timeout=10).json()["results"]
    }
    stored = {f"tag {n}" for n, answer in enumerate(refused, 1) if answer.status_code == 201}
    assert stored | {"tag 0", "tag 99"} == kept


def fill(file: Path) -> None:
    """Write until there is no byte left."""
    with file.open("wb", buffering=0) as filled:
        for size in (1024**2, 4096):
            try:
                while True:
                    filled.write(b"x" * size)
            except OSError:
                continue


def test_with_nothing_running_it_is_told_what_to_start(tmp_path, up):
    """On a folder of keys alone, as where the rest was lost."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    (data / "state.json").write_text(
        (up.data / "state.json")
        .read_text()
        .replace(str(up.state.postgres_port), "1")
        .replace(str(up.state.s3_port), "2")
    )
    (data / "state.json").chmod(0o600)
    code, lines = doctor(data)
    assert code == 1
    assert failing(lines) == {"service", "database", "store", "store_clock"}
    for name in ("service", "database", "store"):
        assert "`manage.py up`" in lines[name][0]["do"]


def test_without_any_installation_it_is_told_what_to_start(tmp_path):
    code, lines = doctor(tmp_path / "nothing")
    assert code == 1
    assert "database" in failing(lines)


def test_wrong_settings_are_told_beside_all_else(up):
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor", "--json", "--only", "settings", "database"],
        env=without_engines() | {"TAGGEDIMAGES_DATA": str(up.data), "TAGGEDIMAGES_HTTPS": "ture"},
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
    )
    wrong, database = map(json.loads, done.stdout.splitlines())
    assert (done.returncode, wrong["status"], database["status"]) == (1, "fail", "ok")
    assert "TAGGEDIMAGES_HTTPS" in wrong["says"]


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"DATABASE_URL": "postgres://a@127.0.0.1:1/b"}, "Set SECRET_KEY"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY must have at least 32 characters."),
    ],
)
def test_settings_that_nothing_starts_with_are_one_line(tmp_path, variables, says):
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor", "--json"],
        env=without_engines() | variables | {"TAGGEDIMAGES_DATA": str(tmp_path)},
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
    )
    line = json.loads(done.stdout)
    assert (done.returncode, line["check"], line["status"]) == (1, "settings", "fail")
    assert says in line["says"]
    assert "Traceback" not in done.stderr
