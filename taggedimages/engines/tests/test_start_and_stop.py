"""How `manage.py up` ends and begins again on the same data."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from taggedimages import engines
from taggedimages.engines import process
from taggedimages.engines.tests import store
from taggedimages.engines.tests.conftest import Up, eventually, finish, start


class Life:
    """A service that ends in many ways and is started again; tests go through it in order."""

    def __init__(self, data: Path) -> None:
        self.up = start(data)

    def start_again(self) -> Up:
        self.up = start(self.up.data)
        return self.up


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    life = Life(tmp_path_factory.mktemp("life") / "data")
    yield life
    finish(life.up)


def test_killing_up_takes_the_parts_along_and_the_next_one_goes_on(life: Life) -> None:
    up = life.up
    assert "password" in up.output
    store.write(up.state, "before up was killed")

    up.process.kill()

    assert up.process.wait(5) == -signal.SIGKILL
    assert eventually(lambda: not up.processes())
    again = life.start_again()
    assert store.holds(again.state, "before up was killed")
    assert "password" not in again.output


def test_what_survives_a_killed_up_is_ended_by_the_next(life: Life) -> None:
    # Suspended processes cannot follow the signal that Linux sends them.
    left = life.up.processes()
    for part in left:
        part.suspend()
    life.up.process.kill()
    life.up.process.wait(5)

    again = life.start_again()

    assert not any(map(process.is_alive, left))
    assert again.is_ready()


def test_killing_everything_at_once_loses_nothing(life: Life) -> None:
    store.write(life.up.state, "before all was killed")
    for part in (psutil.Process(life.up.process.pid), *life.up.processes()):
        # One that serves a connection may have ended meanwhile.
        with suppress(psutil.NoSuchProcess):
            part.kill()
    life.up.process.wait(5)

    again = life.start_again()

    assert store.holds(again.state, "before all was killed")


def test_sigterm_leaves_no_process_and_exits_with_0(life: Life) -> None:
    before = life.up.processes()
    assert before

    life.up.process.terminate()

    assert life.up.process.wait(60) == 0
    assert life.up.processes() == []
    assert not any(map(process.is_alive, before))


def test_with_engines_in_the_environment_none_is_started(tmp_path: Path) -> None:
    # The test session's own engines stand for managed ones.
    up = start(tmp_path / "data", env=dict(os.environ))

    assert up.is_ready()
    assert {process.mark_of(p).partition("@")[0] for p in up.processes()} == {"web", "work"}
    assert not (tmp_path / "data" / "postgres").exists()
    finish(up)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root meets folders that others cannot enter")
def test_as_root_postgres_runs_as_another_user_below_a_folder_that_is_closed(
    tmp_path: Path,
) -> None:
    tmp_path.chmod(0o700)

    with engines.running(tmp_path / "data") as state:
        store.write(state, "kept")
        postgres = [p for p in process.of_folder(tmp_path / "data") if "postgres" in p.name()]
        assert postgres
        assert all(p.uids().real != 0 for p in postgres)

    assert tmp_path.stat().st_mode & 0o777 == 0o700
    assert process.of_folder(tmp_path / "data") == []
