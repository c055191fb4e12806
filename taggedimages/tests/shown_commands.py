"""The commands that pages of documentation show: those to be run here, and those for other hosts.

A block of `console` is run as it stands, in the order of the page: `$` begins a command, and what
is under it is its output, where `...` stands for anything. A block of `sh` is for a host that a
test has not; the commands of manage.py in it are held against those that there are.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from django.core.management import load_command_class
from django.core.management.base import CommandError

from taggedimages.engines.state import CHECKOUT
from taggedimages.engines.tests.conftest import Up

MARK = "-- next command --"
URL = "http://127.0.0.1:8000"


def blocks(page: Path, language: str) -> list[str]:
    """The blocks of a language on a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


def commands(pages: Iterable[Path]) -> list[tuple[str, str]]:
    """Every command to be run, with the output shown under it."""
    text = "".join(block for page in pages for block in blocks(page, "console"))
    found = []
    for step in re.findall(r"^\$ (.*?)(?=^\$ |\Z)", text, re.DOTALL | re.MULTILINE):
        command, _, output = step.partition("\n")
        found.append((command, output))
    return found


def assert_run_as_shown(pages: Sequence[Path], up: Up, folder: Path) -> None:
    """Run them one after the other in one shell, in a folder that looks like the checkout."""
    steps = commands(pages)
    assert steps
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "manage.py").symlink_to(CHECKOUT / "manage.py")
    script = f"\necho '{MARK}'\n".join(command for command, _ in steps)
    ran = subprocess.run(
        ["bash", "-c", script.replace(URL, up.url)],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "TAGGEDIMAGES_DATA": str(up.data)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.stderr == ""
    outputs = ran.stdout.split(MARK + "\n")
    assert len(outputs) == len(steps)
    for (command, shown), output in zip(steps, outputs, strict=True):
        pattern = ".*".join(re.escape(part) for part in shown.strip().split("..."))
        assert re.fullmatch(pattern, output.strip(), re.DOTALL), f"{command}\n{output}"


def refusals(page: Path, known: dict[str, str]) -> list[str]:
    """What is wrong with the commands of manage.py in blocks that are not run: names, options."""
    wrong = []
    for block in blocks(page, "sh") + blocks(page, "ini"):
        for name, *arguments in of_manage(block):
            if name not in known:
                wrong.append(f"There is no {name}.")
                continue
            parser = load_command_class(known[name], name).create_parser("manage.py", name)
            try:
                parser.parse_args(arguments)
            except (CommandError, SystemExit) as error:
                wrong.append(f"{name} {arguments}: {error}")
    return wrong


def of_manage(block: str) -> Iterator[list[str]]:
    """The words after each `manage.py` of a block in the shell's language."""
    words = shlex.shlex(block.replace("\\\n", " "), posix=True, punctuation_chars=";&|()<>\n")
    words.whitespace, words.whitespace_split, words.commenters = " \t", True, ""
    found: list[str] | None = None
    for word in [*words, "\n"]:
        ends = (word != "" and not word.strip(";&|()<>\n")) or word.startswith("#")
        if found and ends:
            yield found
        if ends:
            found = None
        elif found is not None:
            found.append(word)
        elif word.endswith("manage.py"):
            found = []
