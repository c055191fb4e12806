"""One part of the service as a process: how it is launched, ended and found again."""

import contextlib
import ctypes
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from taggedimages.engines.state import CHECKOUT

logger = logging.getLogger(__name__)

# Every part carries this, so that what a killed `up` left behind is found by the next one.
MARK = "TAGGEDIMAGES_UP"
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
MAX_LOG_BYTES, KEPT_LOGS = 5_000_000, 4
GROUP_KILL_SECONDS = 5
CLEAN_LOOKS, LOOK_SECONDS = 2, 0.05
MAX_COMMAND = 80


def nothing() -> None:
    """What a part does before it starts, unless it says otherwise."""


@dataclass(frozen=True)
class Part:
    """A program of the service: how to run it, and how to ask whether it serves."""

    name: str
    title: str
    argv: list[str]
    env: dict[str, str]
    folder: Path
    ready: Callable[[], bool] = lambda: True
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 15
    # Runs in the child, before the program: gives up privileges.
    become: Callable[[], None] = nothing
    # Where the processes of a part that hides its environment work.
    home: Path | None = None

    @property
    def log(self) -> Path:
        return self.folder / "logs" / f"{self.name}.log"

    @property
    def mark(self) -> str:
        return f"{self.name}@{self.folder}"


def launch(part: Part, *, piped: bool = False) -> subprocess.Popen[bytes]:
    """Start the part in a session of its own; its output goes to its log, or to a pipe.

    Only from the main thread: Linux takes the end of the launching thread for the parent's.
    """
    parent = os.getpid()

    def before_exec() -> None:
        part.become()
        die_with(parent, part.stop_signal)

    part.log.parent.mkdir(mode=0o700, exist_ok=True)
    bound_log(part.log)
    with part.log.open("ab") as log:
        return subprocess.Popen(
            part.argv,
            env=part.env | {MARK: part.mark},
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if piped else log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=before_exec,
        )


def die_with(parent: int, stop_signal: int) -> None:
    """In a child: have Linux send `stop_signal` when the parent ends, even by kill -9.

    The kernel forgets it when privileges change, so it comes last.
    """
    if LIBC is None:
        return
    LIBC.prctl(PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def stop(part: Part, process: subprocess.Popen[bytes]) -> None:
    """Ask the part to end, wait a bounded time, then leave nothing of it."""
    if process.poll() is None:
        process.send_signal(part.stop_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(part.stop_seconds)
    kill(part, process)


def kill(part: Part, process: subprocess.Popen[bytes]) -> None:
    """End at once whatever is left of the part, also children that outlived their master."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    end(of_part(part), seconds=0)


def of_part(part: Part) -> list[psutil.Process]:
    """Every living process that belongs to the part, whoever started it."""
    return [p for p in living() if mark_of(p) == part.mark or serves_from(p, part.home)]


def of_folder(folder: Path) -> list[psutil.Process]:
    """Every living process that an earlier `up` on this data folder left behind.

    By what they are, and never by a number that a file names: another process may have it by now.
    """
    postgres = folder / "postgres"
    return [
        p
        for p in living()
        if mark_of(p).endswith(f"@{folder}")
        or serves_from(p, postgres / "data")
        or serves_from(p, postgres / "new")
    ]


def end_left(folder: Path, seconds: float) -> int:
    """End all that an earlier `up` on this data folder left behind; returns how many that were.

    Looks again until it finds none twice: while some are ended, others are forked by them, and one
    that is becoming another program shows no mark for an instant.
    """
    ended: set[int] = set()
    clean = 0
    while clean < CLEAN_LOOKS:
        if left := of_folder(folder):
            clean = 0
            end(left, seconds=0 if ended else seconds)
            ended.update(p.pid for p in left)
        else:
            clean += 1
            time.sleep(LOOK_SECONDS)
    return len(ended)


def listening(port: int) -> str:
    """Who listens on a TCP port, as far as it may be seen: `pid 7 (nginx -g off)`."""
    try:
        for found in psutil.net_connections("tcp"):
            if found.status == psutil.CONN_LISTEN and found.laddr.port == port and found.pid:
                command = " ".join(psutil.Process(found.pid).cmdline())[:MAX_COMMAND]
                return f"pid {found.pid} ({command})"
    except (psutil.Error, OSError):
        pass
    return "another process"


def addresses_of(port: int) -> set[str]:
    """The IP addresses of this machine at which somebody listens on a TCP port. Raises OSError
    where that may not be seen."""
    try:
        found = psutil.net_connections("tcp")
    except psutil.Error as error:
        raise PermissionError(str(error)) from error
    return {
        one.laddr.ip for one in found if one.status == psutil.CONN_LISTEN and one.laddr.port == port
    }


def living() -> Iterable[psutil.Process]:
    """All processes but this one and its ancestors."""
    own = {os.getpid(), *(p.pid for p in psutil.Process().parents())}
    return (p for p in psutil.process_iter() if p.pid not in own and is_alive(p))


def is_alive(process: psutil.Process) -> bool:
    """False for a zombie, which only waits for its parent to notice."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def mark_of(process: psutil.Process) -> str:
    """The mark in a process's environment; empty where there is none or it may not be read."""
    try:
        return str(process.environ().get(MARK, ""))
    except (psutil.Error, OSError):
        return ""


def serves_from(process: psutil.Process, home: Path | None) -> bool:
    """Whether it is a PostgreSQL on the cluster in `home`, which overwrites its environment.

    Not whoever merely looks around there, such as a shell.
    """
    try:
        return home is not None and process.cwd() == str(home) and process.name() == "postgres"
    except (psutil.Error, OSError):
        return False


def end(processes: list[psutil.Process], *, seconds: float) -> None:
    """End processes: politely for some seconds, then by force."""
    if seconds:
        for process in processes:
            with contextlib.suppress(psutil.Error):
                # PostgreSQL's, which shows no mark, ends fast on SIGINT only.
                process.send_signal(signal.SIGTERM if mark_of(process) else signal.SIGINT)
                process.resume()
        wait_for_end(processes, seconds)
    for process in filter(is_alive, processes):
        with contextlib.suppress(psutil.Error):
            process.kill()
    wait_for_end(processes, GROUP_KILL_SECONDS)


def wait_for_end(processes: list[psutil.Process], seconds: float) -> None:
    """Wait until none of them lives, at most so long."""
    until = time.monotonic() + seconds
    while any(map(is_alive, processes)) and time.monotonic() < until:
        time.sleep(0.02)


def bound_log(log: Path) -> None:
    """Keep a log of a few megabytes, and so many older ones: `.log.1` is the youngest.

    Its writer keeps its file: what is in it is copied, and the file is emptied. Lines of the
    instant in between are lost; where there is no room for a copy, so are all the older ones.
    """
    if not log.exists() or log.stat().st_size <= MAX_LOG_BYTES:
        return
    kept = [log.with_suffix(f".log.{age}") for age in range(1, KEPT_LOGS + 1)]
    for younger, older in zip(kept[-2::-1], kept[:0:-1], strict=True):
        if younger.exists():
            younger.replace(older)
    try:
        shutil.copyfile(log, kept[0])
    except OSError as error:
        logger.warning("%s is cut, and no copy is kept: %s.", log, error.strerror)
        for copy in kept:
            copy.unlink(missing_ok=True)
    # Its writer appends, so it goes on at the new end.
    os.truncate(log, 0)


def last_lines(log: Path, count: int = 15) -> str:
    """The end of a log, indented, to show why a part failed."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 20_000))
        lines = file.read().decode(errors="replace").splitlines()[-count:]
    return "\n".join(f"    {line}" for line in lines)
