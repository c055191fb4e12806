"""The running service that is measured: where it is, and what its web processes hold."""

import os
import re
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


def account_for_databases() -> dict[str, str]:
    """Who may make a database in the embedded PostgreSQL: not the service. Empty elsewhere."""
    known = state.load(state.data_folder())
    if known is None or os.environ.get("DATABASE_URL"):
        return {}
    return {"user": "postgres", "password": known.postgres_password}


def web_memory(data: Path | None = None) -> dict[str, int] | None:
    """What the largest of the web processes holds (`memory_of`)."""
    return memory_of("web", data)


def memory_of(part: str, data: Path | None = None) -> dict[str, int] | None:
    """What the largest of the processes of a part of an `up` holds, and the most that one ever
    held.

    In bytes, the latter 0 where the system does not tell; None where there are no processes. Of
    this environment's `up`, unless another data folder is given.
    """
    mark = f"{part}@{data or state.data_folder()}"
    found = [p for p in process.living() if process.mark_of(p) == mark]
    held = [resident for p in found if (resident := _resident(p))]
    if not held:
        return None
    return {"now": max(now for now, _ in held), "peak": max(most for _, most in held)}


def _resident(of: psutil.Process) -> tuple[int, int] | None:
    try:
        return of.memory_info().rss, peak(of.pid)
    except psutil.Error:
        return None


def peak(pid: int) -> int:
    """The most that a process ever held, in bytes; 0 where the system does not tell."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else 0
