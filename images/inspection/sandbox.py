"""Runs an inspection in a child process that may crash, hang or be killed without harm.

The children are forked from a clean server process that holds neither the database nor the keys of
the store. File and result are unnamed temporary files handed over as descriptors: nothing stays
behind, whoever dies.
"""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from images.inspection import child, forkserver
from images.inspection.findings import Findings, Limits, believed
from images.inspection.sizes import SIZES

Work = Callable[[BinaryIO, BinaryIO, Limits], None]
# How often a waiting caller hears that the child still runs.
RENEWAL_SECONDS = 3.0
MAX_LINE = 1024**2
# All that the server of the children gets: no keys. The path lets it load our modules, once.
ENVIRONMENT = {
    "PYTHONPATH": os.pathsep.join([str(Path(__file__).resolve().parents[2]), *sys.path[1:]]),
    "OPENBLAS_NUM_THREADS": "1",
}

# What macOS lacks; there, what comes with descriptors is no part of what comes with others either.
MESSAGES = socket.SOCK_STREAM if sys.platform == "darwin" else socket.SOCK_SEQPACKET


class Failed(Exception):
    """The child did not end well, by the file's fault; the text is "word: explanation"."""


class Lost(Exception):
    """The child was ended from outside; the file has no part in it."""


@dataclass(frozen=True)
class Inspected:
    """What the child found, and the previews it rendered."""

    findings: Findings
    previews: dict[str, bytes]


def run(
    source: BinaryIO,
    limits: Limits,
    wall_seconds: float,
    tick: Callable[[], None] = lambda: None,
    work: Work = child.work,
) -> Inspected:
    """Have `work` inspect a file within the limits; `tick` is called while that goes on.

    What `tick` raises ends the child. Raises Failed and Lost.
    """
    with tempfile.TemporaryFile() as result:
        asking = _server.begin(work, source, result, limits)
        with asking:
            code = _wait(asking, wall_seconds, tick)
        _check(code)
        result.seek(0)
        return read(result)


def _wait(asking: socket.socket, wall_seconds: float, tick: Callable[[], None]) -> int | None:
    """The exit code of a child, or the signal that ended it, below zero; None: nobody knows."""
    ends_at = time.monotonic() + wall_seconds
    while (left := ends_at - time.monotonic()) > 0:
        asking.settimeout(min(left, RENEWAL_SECONDS))
        try:
            told = asking.recv(forkserver.CODE.size)
            return int(forkserver.CODE.unpack(told)[0]) if told else None
        except TimeoutError:
            tick()
        except OSError:
            return None
    raise Failed(f"timeout: reading it took more than {wall_seconds:g} seconds")


def _check(code: int | None) -> None:
    if code == 0:
        return
    # Nothing that a file makes a decoder do ends in SIGKILL: that is a person's, or the host's
    # where its memory ends.
    if code is None or code in (-signal.SIGTERM, -signal.SIGINT, -signal.SIGKILL):
        raise Lost
    if code == -signal.SIGXCPU:
        raise Failed("timeout: reading it took more processor time than a file may")
    name = signal.Signals(-code).name if code < 0 else f"exit {code}"
    raise Failed(f"unreadable: the decoder crashed ({name})")


def read(result: BinaryIO) -> Inspected:
    """What a child wrote. Raises Failed where it is not what a child writes.

    It has read a hostile file, so that this is believed to be data and no more.
    """
    try:
        told = json.loads(result.readline(MAX_LINE))
        findings = believed(told["findings"])
        sizes = told["previews"]
        if sizes and (sizes.keys() != SIZES.keys() or findings.problem):
            raise ValueError("other previews than are made")
        return Inspected(findings, {name: _preview(result, size) for name, size in sizes.items()})
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Failed("unreadable: the decoder told nonsense") from error


def _preview(result: BinaryIO, size: int) -> bytes:
    preview = result.read(min(size, child.MAX_RESULT)) if size > 0 else b""
    if len(preview) != size or preview[:4] + preview[8:12] != b"RIFFWEBP":
        raise ValueError("no preview")
    return preview


class Server:
    """The process that children are forked from: the one that runs, or a new one if it has died."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def begin(
        self, work: Work, source: BinaryIO, result: BinaryIO, limits: Limits
    ) -> socket.socket:
        """Have a child begin; it is told of on the socket, whose end is its end. Raises Lost."""
        told = json.dumps([f"{work.__module__}:{work.__qualname__}", asdict(limits)]).encode()
        ours, theirs = socket.socketpair()
        handed = [source.fileno(), result.fileno(), theirs.fileno()]
        with theirs:
            try:
                with self._lock:
                    socket.send_fds(self._running(), [told], handed)
            except OSError as error:
                ours.close()
                raise Lost from error
        return ours

    def _running(self) -> socket.socket:
        if self._control and self._process and self._process.poll() is None:
            return self._control
        if self._control:
            self._control.close()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, MESSAGES)
        with theirs:
            command = [sys.executable, "-m", forkserver.__name__, str(theirs.fileno())]
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                command, env=ENVIRONMENT, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL
            )
        return self._control

    def close(self) -> None:
        """Let the server end, and its children."""
        if self._control and self._process:
            self._control.close()
            self._process.kill()
            self._process.wait()


_server = Server()
atexit.register(_server.close)
