"""The README's commands, run as they are written, against a service started as it says."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from taggedimages.engines.state import CHECKOUT
from taggedimages.engines.tests.conftest import Up, finish, start

README = (CHECKOUT / "README.md").read_text()
MARK = "-- next command --"


@pytest.fixture(scope="module")
def fresh_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A service with an empty corpus, so that ids are those of the README."""
    up = start(tmp_path_factory.mktemp("readme") / "data")
    yield up
    finish(up)


def commands() -> list[tuple[str, str]]:
    """Every command of the README's console blocks, with the output shown under it."""
    blocks = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    found = []
    for step in re.findall(r"^\$ (.*?)(?=^\$ |\Z)", "".join(blocks), re.DOTALL | re.MULTILINE):
        command, _, output = step.partition("\n")
        found.append((command, output))
    return found


def run_all(up: Up, folder: Path) -> list[str]:
    """Run them one after the other in one shell; the output of each."""
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "manage.py").symlink_to(CHECKOUT / "manage.py")
    script = f"\necho '{MARK}'\n".join(command for command, _ in commands())
    ran = subprocess.run(
        ["bash", "-c", script.replace("http://127.0.0.1:8000", up.url)],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "TAGGEDIMAGES_DATA": str(up.data)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.stderr == ""
    return ran.stdout.split(MARK + "\n")


def test_the_tour_gives_the_output_that_it_shows(fresh_up: Up, tmp_path: Path) -> None:
    outputs = run_all(fresh_up, tmp_path)
    assert len(outputs) == len(commands())
    for (command, shown), output in zip(commands(), outputs, strict=True):
        pattern = ".*".join(re.escape(part) for part in shown.strip().split("..."))
        assert re.fullmatch(pattern, output.strip(), re.DOTALL), f"{command}\n{output}"


def test_the_two_commands_name_files_and_commands_that_exist() -> None:
    run, test = re.findall(r"^python3 -m venv .*$", README, re.MULTILINE)
    assert run.endswith("manage.py up")
    assert test.endswith("pytest -n auto")
    assert "-r requirements.txt" in run
    assert (CHECKOUT / "requirements.txt").exists()


def test_every_setting_is_in_the_table() -> None:
    settings = (CHECKOUT / "taggedimages" / "settings.py").read_text()
    named = set(re.findall(r'"(TAGGEDIMAGES_[A-Z_]+)"', settings))
    missing = {name for name in named - {"TAGGEDIMAGES_SERVES_REQUESTS"} if name not in README}
    assert not missing
