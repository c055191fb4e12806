"""A setting that cannot be is told by `manage.py check`, in words, and nothing runs with it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from taggedimages.engines.state import CHECKOUT
from taggedimages.environment import BOUNDS, Environment

SETTINGS = (CHECKOUT / "taggedimages" / "settings.py").read_text()
NUMBERS = re.findall(r'env\.(?:int|float)\(\s*"([A-Z0-9_]+)"', SETTINGS)


def run(*command: str, data: Path, **variables: str) -> tuple[int, str]:
    """How a command ended, and what it said."""
    env = {"PATH": os.environ["PATH"], "TAGGEDIMAGES_DATA": str(data), **variables}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=CHECKOUT,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


def test_every_number_of_the_settings_has_bounds():
    assert NUMBERS
    assert set(NUMBERS) - BOUNDS.keys() == set()


@pytest.mark.parametrize("name", sorted(BOUNDS))
def test_what_is_no_number_in_bounds_is_told_and_the_default_stands_in(monkeypatch, name):
    read = Environment.int if f'env.int("{name}"' in SETTINGS else Environment.float
    least, most = BOUNDS[name]
    for bad in (least - 1, most + 1, "nan", "inf", "-inf", "", " ", "x", "1 0", "\u0663", "1e400"):
        monkeypatch.setenv(name, str(bad))
        env = Environment()
        assert read(env, name, default=7) == 7
        assert len(env.faults) == (1 if str(bad).strip() else 0), bad
        assert all(name in fault for fault in env.faults)
    for good in (least, most):
        monkeypatch.setenv(name, str(good))
        env = Environment()
        assert (read(env, name, default=7), env.faults) == (good, [])


@pytest.mark.parametrize(
    ("word", "is_on"), [("true", True), (" Yes", True), ("", True), ("OFF", False), ("0", False)]
)
def test_words_of_yes_and_no(monkeypatch, word, is_on):
    monkeypatch.setenv("TAGGEDIMAGES_HTTPS", word)
    assert Environment().bool("TAGGEDIMAGES_HTTPS", default=True) is is_on


@pytest.mark.parametrize("word", ["ture", "enabled", "2"])
def test_a_word_that_is_neither_turns_nothing_off(monkeypatch, word):
    monkeypatch.setenv("TAGGEDIMAGES_HTTPS", word)
    env = Environment()
    assert env.bool("TAGGEDIMAGES_HTTPS", default=True)
    assert env.faults == [f'TAGGEDIMAGES_HTTPS is neither yes nor no: "{word}".']


WRONG = {
    "TAGGEDIMAGES_PRESIGNED_SECONDS": "604801",
    "TAGGEDIMAGES_HTTPS": "ture",
    "TAGGEDIMAGES_ANONYMOUS": "everybody",
    "TAGGEDIMAGES_LOG_LEVEL": "LOUD",
    "TAGGEDIMAGES_MAX_PIXELS": "many",
    "TAGGEDIMAGES_PRESIGNED_STABLE_SECONDS": "3600",
    "S3_PUBLIC_ENDPOINT_URL": "store.example:9000",
}


@pytest.mark.parametrize("command", ["check", "prepare", "up", "work"])
def test_all_that_is_wrong_is_told_at_once(tmp_path, command):
    code, said = run("manage.py", command, data=tmp_path, **WRONG)
    assert code == 1
    assert [name for name in WRONG if name not in said] == []
    assert "Traceback" not in said
    assert not list(tmp_path.iterdir())


def test_no_request_is_served_with_it(tmp_path):
    code, said = run("-m", "taggedimages.serving", data=tmp_path, TAGGEDIMAGES_SEND_SECONDS="-1")
    assert code == 1
    assert "TAGGEDIMAGES_SEND_SECONDS is a number from 0.1" in said


@pytest.mark.parametrize(
    ("name", "value"),
    [("DATABASE_URL", "mysql://u:secret@host/name"), ("SECRET_KEY", "short")],
)
def test_what_is_told_of_other_settings(tmp_path, name, value):
    variables = {"SECRET_KEY": "k" * 40} | {name: value}
    code, said = run("manage.py", "check", data=tmp_path, **variables)
    assert code == 1
    assert "Traceback" not in said
    assert "secret" not in said
