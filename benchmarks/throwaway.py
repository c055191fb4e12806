"""A service for a while: engines and service on a folder of their own, gone at the end."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from taggedimages.engines.state import CHECKOUT
from taggedimages.engines.tests.conftest import Up, finish, start, without_engines


class CommandFailed(Exception):
    """A command did not end well; what it said is above."""


@contextmanager
def folder_for_a_while() -> Iterator[Path]:
    """A new folder, gone at the end with all that is in it."""
    folder = Path(tempfile.mkdtemp(prefix="benchmark-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def service() -> Iterator[Up]:
    """A running service on a fresh folder."""
    with folder_for_a_while() as folder:
        up = start(folder / "data")
        try:
            yield up
        finally:
            finish(up)


def environment(data: Path) -> dict[str, str]:
    """In which commands find the engines of a data folder, and no others."""
    return without_engines() | {"TAGGEDIMAGES_DATA": str(data)}


def benchmarks(data: Path, *words: str) -> str:
    """Run a command of `benchmarks` on a data folder; what it prints. Raises CommandFailed."""
    # 1 says that answers were wrong, which the result tells.
    return _run(data, ["-m", "benchmarks", *words], worst=1)


def manage(data: Path, *words: str) -> str:
    """Run a command of manage.py on a data folder; what it prints. Raises CommandFailed."""
    return _run(data, ["manage.py", *words], worst=0)


def _run(data: Path, words: list[str], worst: int) -> str:
    ran = subprocess.run(
        [sys.executable, *words],
        cwd=CHECKOUT,
        env=environment(data),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    # A traceback ends with 1, too, and prints no result.
    if ran.returncode > worst or (ran.returncode and not ran.stdout):
        raise CommandFailed(f"{' '.join(words)} ended with {ran.returncode}.")
    return ran.stdout
