"""Runs an inspection in a child process that may crash, hang or be killed without harm.

The children are forked from a clean server process that holds neither the database nor the keys of
the store. File and result are unnamed temporary files handed over as descriptors: nothing stays
behind, whoever dies.
"""

import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import connection, forkserver, get_context, reduction
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import BinaryIO

from images.inspection import child
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
        process = _context().Process(
            target=_main, args=(work, _Handed(source), _Handed(result), limits), daemon=True
        )
        try:
            process.start()
        except (EOFError, ConnectionError) as error:
            raise Lost from error
        try:
            _wait(process, wall_seconds, tick)
        finally:
            process.kill()
            process.join()
        _check(process.exitcode)
        result.seek(0)
        return read(result)


def _wait(process: ForkServerProcess, wall_seconds: float, tick: Callable[[], None]) -> None:
    ends_at = time.monotonic() + wall_seconds
    while (left := ends_at - time.monotonic()) > 0:
        if connection.wait([process.sentinel], min(left, RENEWAL_SECONDS)):
            return
        tick()
    raise Failed(f"timeout: reading it took more than {wall_seconds:g} seconds")


def _check(code: int | None) -> None:
    if code == 0:
        return
    # 255 is also what is told when the server of the children has gone. Nothing that a file makes
    # a decoder do ends in SIGKILL: that is a person's, or the host's where its memory ends.
    if code is None or code in (255, -signal.SIGTERM, -signal.SIGINT, -signal.SIGKILL):
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


def _context() -> ForkServerContext:
    """Where children come from: the server that runs, or a new one if that has died."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["images.inspection.preload"])
    kept = dict(os.environ)
    os.environ.clear()
    os.environ.update(ENVIRONMENT)
    try:
        forkserver.ensure_running()
    finally:
        os.environ.clear()
        os.environ.update(kept)
    return context


class _Handed:
    """An open file on its way to a child."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Callable[..., int], tuple[object]]:
        return _taken, (reduction.DupFd(self.file.fileno()),)


def _taken(handed: "reduction.DupFd") -> int:  # type: ignore[valid-type]
    return int(handed.detach())  # type: ignore[attr-defined]


def _main(work: Work, source: int, result: int, limits: Limits) -> None:
    child.confine(limits)
    with os.fdopen(source, "rb") as file, os.fdopen(result, "wb") as written:
        file.seek(0)
        work(file, written, limits)
