"""How far a command is, on the terminal that it runs in."""

import sys
from typing import Protocol

WIDTH = 30


class Lines(Protocol):
    """What commands have as `stderr`."""

    def write(self, msg: str, *, ending: str) -> None: ...


def tell_progress(lines: Lines, text: str, done: int, total: int | None) -> None:
    """One line that is written over and over, with a bar if a total is known; nothing where there
    is no terminal."""
    if not sys.stderr.isatty():
        return
    filled = WIDTH * min(done, total) // total if total else 0
    bar = f"[{'#' * filled}{'-' * (WIDTH - filled)}] " if total else ""
    last = total is not None and done >= total
    lines.write(f"\r\033[K{bar}{text}", ending="\n" if last else "")
