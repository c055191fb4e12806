"""The README's commands, run as they are written, against a service started as it says."""

import re
from collections.abc import Iterator

import pytest

from taggedimages.engines.state import CHECKOUT
from taggedimages.engines.tests.conftest import Up, finish, start
from taggedimages.tests.shown_commands import assert_run_as_shown

README = CHECKOUT / "README.md"
# The second goes on where the first ends.
TOUR = (README, CHECKOUT / "docs" / "doors.md")


@pytest.fixture(scope="module")
def fresh_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A service with an empty corpus, so that ids are those of the README."""
    up = start(tmp_path_factory.mktemp("readme") / "data")
    yield up
    finish(up)


def test_the_tour_gives_the_output_that_it_shows(fresh_up: Up, tmp_path) -> None:
    assert_run_as_shown(TOUR, fresh_up, tmp_path)


def test_the_two_commands_name_files_and_commands_that_exist() -> None:
    run, test = re.findall(r"^python3 -m venv .*$", README.read_text(), re.MULTILINE)
    assert run.endswith("manage.py up")
    assert test.endswith("pytest -n auto")
    assert "-r requirements.txt" in run
    assert (CHECKOUT / "requirements.txt").exists()


def test_every_setting_is_in_the_table() -> None:
    settings = (CHECKOUT / "taggedimages" / "settings.py").read_text()
    named = set(re.findall(r'"(TAGGEDIMAGES_[A-Z_]+)"', settings))
    table = (CHECKOUT / "docs" / "operating" / "settings.md").read_text()
    missing = {name for name in named - {"TAGGEDIMAGES_SERVES_REQUESTS"} if name not in table}
    assert not missing
