"""A real `manage.py up` in a process of its own, on its own data folder and a free port."""

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from taggedimages.engines import process, state
from taggedimages.engines.state import CHECKOUT, State
from taggedimages.testing import OUTER

START_SECONDS = 300


@dataclass
class Up:
    """One run of `manage.py up` and the questions that tests ask of it."""

    data: Path
    process: subprocess.Popen[bytes]

    @property
    def output(self) -> str:
        return (self.data.parent / "output").read_text()

    @property
    def url(self) -> str:
        found = re.search(r"API +(http://\S+)/v1", self.output)
        assert found, self.output
        return found[1]

    @property
    def state(self) -> State:
        known = state.load(self.data)
        assert known
        return known

    def part(self, name: str) -> list[psutil.Process]:
        """The processes of a part, its first one in front."""
        home = self.data / "postgres" / "data" if name == "postgres" else None
        found = [
            p
            for p in process.living()
            if process.mark_of(p) == f"{name}@{self.data}" or process.serves_from(p, home)
        ]
        return sorted(found, key=lambda p: (p.create_time(), p.pid))

    def processes(self) -> list[psutil.Process]:
        return process.of_folder(self.data)

    def is_ready(self) -> bool:
        """Whether the API answers and reaches both engines: within a second, which a machine that
        is busy does not always manage, or soon."""
        return eventually(lambda: status(f"{self.url}/readyz") == 200, 10)


def status(url: str, method: str = "GET") -> int:
    """The status of an unsigned request; 0 when nobody answers."""
    request = urllib.request.Request(url, method=method)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def eventually(condition: Callable[[], bool], seconds: float = 30) -> bool:
    """Wait until the condition holds; whether it did in time."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def without_engines() -> dict[str, str]:
    """The environment of somebody who has set nothing up."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OUTER)}


def launch(data: Path, *arguments: str, env: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start `manage.py up` from a folder that is not the checkout."""
    with (data.parent / "output").open("wb") as output:
        return subprocess.Popen(
            [sys.executable, str(CHECKOUT / "manage.py"), "up", *arguments],
            env=env | {"TAGGEDIMAGES_DATA": str(data)},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def start(data: Path, env: dict[str, str] | None = None) -> Up:
    """Run `manage.py up` until it says that it serves."""
    up = Up(data, launch(data, "--port=0", env=env or without_engines()))
    served = eventually(
        lambda: "is up." in up.output or up.process.poll() is not None, START_SECONDS
    )
    if not served or up.process.poll() is not None:
        said = up.output
        finish(up)
        pytest.fail(said)
    return up


def finish(up: Up) -> None:
    """Leave nothing of it, whatever the test did."""
    up.process.terminate()
    up.process.wait(60)
    process.end(up.processes(), seconds=0)


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A service that the tests of one module share."""
    running = start(tmp_path_factory.mktemp("up") / "data")
    yield running
    finish(running)
