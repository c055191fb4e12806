"""Settings that are not understood end a process before it does anything."""

import os
import subprocess
import sys

import pytest

from taggedimages.engines.state import CHECKOUT


def setting(name: str, value: str) -> subprocess.CompletedProcess[str]:
    """What a process says of `HTTPS` that is given one variable."""
    code = "from taggedimages.settings import HTTPS; print(HTTPS)"
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=CHECKOUT,
        env=os.environ | {name: value},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("word", "is_on"), [("true", True), (" Yes", True), ("", True), ("OFF", False), ("0", False)]
)
def test_words_of_yes_and_no(word, is_on):
    assert setting("TAGGEDIMAGES_HTTPS", word).stdout == f"{is_on}\n"


@pytest.mark.parametrize("word", ["ture", "enabled", "2"])
def test_a_word_that_is_neither_turns_nothing_off(word):
    ended = setting("TAGGEDIMAGES_HTTPS", word)
    assert ended.returncode == 1
    assert f'TAGGEDIMAGES_HTTPS is neither yes nor no: "{word}".' in ended.stderr
