"""Addresses of loopback that stand for hosts, and the programs that run there. Linux only."""

import random
import socket
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from taggedimages.engines import process, state
from taggedimages.engines.process import Part

# Where a port is free that is free on all addresses.
EVERY = "0.0.0.0"  # noqa: S104 - nothing listens there
READY_SECONDS = 60
LOOK_SECONDS = 0.02
# What listens where, on every host that has it.
KINDS = (
    *("web", "s3", "postgres"),
    *("master", "master_grpc", "volume", "volume_grpc", "filer", "filer_grpc", "s3_grpc"),
)


class NeverReady(Exception):
    """A program did not come up; the text has the end of its log."""


@dataclass(frozen=True)
class Network:
    """127.x.y.0/24 of one cluster, and the ports that mean the same on each of its hosts."""

    prefix: str
    ports: dict[str, int]

    def address(self, number: int) -> str:
        """The address of one host."""
        return f"{self.prefix}.{number}"

    def place(self, number: int, kind: str) -> str:
        """Where something listens on a host, such as 127.3.9.11:17000."""
        return f"{self.address(number)}:{self.ports[kind]}"


def network() -> Network:
    """One that nobody uses: others of its kind may run on this machine."""
    prefix = f"127.{random.randint(1, 254)}.{random.randint(0, 254)}"
    ports: dict[str, int] = {}
    for kind in KINDS:
        while (port := state.free_port(EVERY)) in ports.values():
            pass
        ports[kind] = port
    return Network(prefix, ports)


def answers(address: str, port: int) -> bool:
    """Whether somebody listens there."""
    try:
        with socket.create_connection((address, port), timeout=1):
            return True
    except OSError:
        return False


class Program:
    """A program on a host, which dies and comes back as a service manager would have it."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.running: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        return self.part.name

    def launch(self) -> None:
        """Start it without waiting."""
        self.running = process.launch(self.part)

    def wait(self) -> None:
        """Return once it serves. Raises NeverReady."""
        wait_until(self.part.ready, self.part.log)

    def start(self) -> None:
        """Return once it serves. Raises NeverReady."""
        self.launch()
        self.wait()

    def kill(self) -> None:
        """SIGKILL, for it and all that it has started."""
        if self.running:
            process.kill(self.part, self.running)

    def processes(self) -> list[psutil.Process]:
        """It and all that it has started."""
        return process.of_part(self.part)


def stop(programs: Iterable[Program]) -> None:
    """Stop them as service managers do, all at once."""
    stopped = list(programs)
    for program in stopped:
        if program.running and program.running.poll() is None:
            program.running.send_signal(program.part.stop_signal)
    for program in stopped:
        if program.running:
            process.stop(program.part, program.running)


def wait_until(is_ready: Callable[[], bool], log: Path, seconds: float = READY_SECONDS) -> None:
    """Return once it is so. Raises NeverReady, with the end of a log."""
    until = time.monotonic() + seconds
    while not is_ready():
        if time.monotonic() > until:
            raise NeverReady(f"{log}:\n{process.last_lines(log)}")
        time.sleep(LOOK_SECONDS)
