"""Keeps the parts running: starts them in order, restarts what dies, stops all in reverse."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from taggedimages.engines import process
from taggedimages.engines.process import Part

TICK_SECONDS = 0.1
READY_SECONDS = 120
# A start counts as failed unless the part then lived this long.
SETTLED_SECONDS = 2
# Pauses before the next try; after as many failed starts in a row the part is given up.
PAUSES = (0.0, 0.2, 0.5, 1.0, 2.0)
LOG_CHECK_SECONDS = 5
WATCH_SECONDS = 0.5


class PartLost(Exception):
    """A part could not be brought up; the text shows the end of its log."""


class Stopped(Exception):
    """SIGINT or SIGTERM came."""


@dataclass
class Running:
    """A part and the process that runs it now."""

    part: Part
    process: subprocess.Popen[bytes]
    launched_at: float = field(default_factory=time.monotonic)
    ready_at: float | None = None
    relaunch_at: float | None = None
    failures: int = 0
    restarts: int = 0


class Supervisor:
    """The parts of one `up`; single-threaded, everything happens in `tick`."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.parts: list[Running] = []
        self.stopping = False
        self._command: subprocess.Popen[bytes] | None = None
        self._logs_checked_at = time.monotonic()

    def heed_signals(self) -> None:
        """From now on SIGINT, SIGTERM and a closed terminal end the run."""
        signal.signal(signal.SIGINT, self._on_signal)
        signal.signal(signal.SIGTERM, self._on_signal)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self._on_signal)

    def _on_signal(self, signum: int, frame: object) -> None:
        self.stopping = True
        if self._command:
            self._command.terminate()

    def launch(self, part: Part) -> None:
        """Start a part without waiting, so that several come up side by side."""
        self.parts.append(Running(part, process.launch(part)))

    def wait_until_ready(self) -> None:
        """Return once every part launched so far serves."""
        while not all(running.ready_at for running in self.parts):
            self.tick()

    def run(self, command: Part, relay: Callable[[str], None]) -> int:
        """Run a command to its end beside the parts, handing on each line; its exit code."""
        self._command = process.launch(command, piped=True)
        output = self._command.stdout
        assert output is not None
        os.set_blocking(output.fileno(), False)
        rest = b""
        try:
            ended = False
            while not ended:
                ended = self._command.poll() is not None
                *lines, rest = (rest + (output.read() or b"")).split(b"\n")
                for line in lines:
                    relay(line.decode(errors="replace"))
                if not ended:
                    self.tick()
        finally:
            output.close()
            process.kill(command, self._command)
        return self._command.returncode

    def watch(self, until: Callable[[], bool] = lambda: False) -> None:
        """Keep everything running until that is so, which is asked now and then.

        Raises Stopped and PartLost.
        """
        asked_at = time.monotonic()
        while True:
            self.tick()
            if time.monotonic() - asked_at > WATCH_SECONDS:
                asked_at = time.monotonic()
                if until():
                    return

    def tick(self) -> None:
        """One look at every part, then a short sleep. Raises Stopped and PartLost."""
        if self.stopping:
            raise Stopped
        for running in self.parts:
            self._look_at(running)
        if time.monotonic() - self._logs_checked_at > LOG_CHECK_SECONDS:
            self._logs_checked_at = time.monotonic()
            for running in self.parts:
                process.bound_log(running.part.log)
        time.sleep(TICK_SECONDS)

    def stop(self) -> None:
        """End the parts, the last started first."""
        while self.parts:
            running = self.parts.pop()
            began = time.monotonic()
            process.stop(running.part, running.process)
            self.say(f"{running.part.title} stopped ({time.monotonic() - began:.1f} s)")

    def _look_at(self, running: Running) -> None:
        now = time.monotonic()
        if running.relaunch_at is not None:
            if now >= running.relaunch_at:
                self._relaunch(running)
        elif running.process.poll() is not None:
            self._died(running, now)
        elif running.ready_at is None:
            self._ask(running, now)
        elif now - running.ready_at > SETTLED_SECONDS:
            running.failures = 0

    def _ask(self, running: Running, now: float) -> None:
        if running.part.ready():
            running.ready_at = now
            again = " again" if running.restarts else ""
            self.say(f"{running.part.title} ready{again} ({now - running.launched_at:.1f} s)")
        elif now - running.launched_at > READY_SECONDS:
            process.kill(running.part, running.process)

    def _died(self, running: Running, now: float) -> None:
        code = running.process.returncode
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        settled = running.ready_at is not None and now - running.ready_at > SETTLED_SECONDS
        running.failures = 1 if settled else running.failures + 1
        # Children may outlive their master and hold its port or its data.
        process.kill(running.part, running.process)
        if running.failures > len(PAUSES):
            raise PartLost(
                f"{running.part.title} cannot be kept running ({how}, "
                f"{running.failures} times in a row). The end of {running.part.log}:\n"
                f"{process.last_lines(running.part.log)}"
            )
        self.say(f"{running.part.title} ended ({how}); starting it again")
        running.relaunch_at = now + PAUSES[running.failures - 1]
        running.ready_at = None

    def _relaunch(self, running: Running) -> None:
        running.relaunch_at = None
        running.restarts += 1
        running.launched_at = time.monotonic()
        running.process = process.launch(running.part)
