"""The running service that is measured: where it is, and what its web processes hold."""

import re
from dataclasses import dataclass
from pathlib import Path

import psutil

from taggedimages.engines import process, state


class NotRunning(Exception):
    """No service is known; the text says what to do."""


def running() -> str:
    """The URL of the `up` on this environment's data folder. Raises NotRunning."""
    lock = state.data_folder() / "up.lock"
    said = lock.read_text() if lock.exists() else ""
    if found := re.search(r"https?://\S+", said):
        return found[0]
    raise NotRunning("No `manage.py up` runs here: start one, or name a service with --base.")


@dataclass(frozen=True)
class Memory:
    """What the largest of the web processes holds, in bytes."""

    now: int
    # The most that it ever held; 0 where the system does not tell.
    peak: int


def web_memory() -> Memory | None:
    """The memory of the web processes of this environment's `up`; None where there are none."""
    mark = f"web@{state.data_folder()}"
    found = [p for p in process.living() if process.mark_of(p) == mark]
    held = [resident for p in found if (resident := _resident(p))]
    return Memory(max(now for now, _ in held), max(peak for _, peak in held)) if held else None


def _resident(of: psutil.Process) -> tuple[int, int] | None:
    try:
        return of.memory_info().rss, _peak(of.pid)
    except psutil.Error:
        return None


def _peak(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else 0
