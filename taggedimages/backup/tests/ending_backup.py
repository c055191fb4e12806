"""Run as a process: a backup that is killed before some step in its folder.

`python -m taggedimages.backup.tests.ending_backup NUMBER DIR`: the step has this number, counted
over all files of the folder that are made, renamed or removed; 0: it comes to its end, and tells
how many steps there were.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import django

django.setup()

from taggedimages.backup import making  # noqa: E402

STEPS = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree", "subprocess.Popen"}


def counting(folder: str, number: int) -> Callable[[], int]:
    """Count steps from now on, and end all at one of them; returns what tells how many were."""
    count = 0

    def step(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        written = event == "open" and isinstance(arguments[1], str) and arguments[1] != "r"
        if (event in STEPS or written) and folder in str(arguments):
            count += 1
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(step)
    return lambda: count


def main(number: str, folder: str) -> None:
    """Back up, if it gets as far."""
    steps = counting(folder, int(number))
    making.make(Path(folder), 1, deep=False, warn=sys.stderr.write)
    sys.stdout.write(str(steps()))


if __name__ == "__main__":
    main(*sys.argv[1:])
