"""The killer: what it kills, in which order, and how long until the service writes again."""

import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil

from benchmarks.torture.clients import Client
from benchmarks.torture.service import Service, kill

RECOVERY_SECONDS = 120
PROBE_SECONDS = 0.1
EVERYTHING = "everything, up too"


@dataclass
class Toll:
    """The kills of one kind, and the seconds until the first good write after each."""

    seconds: list[float] = field(default_factory=list)
    never: int = 0

    @property
    def kills(self) -> int:
        return len(self.seconds) + self.never

    def __str__(self) -> str:
        if not self.seconds:
            return f"{self.kills} kills, no recovery"
        median, longest = statistics.median(self.seconds), max(self.seconds)
        never = f", never {self.never}" if self.never else ""
        return f"{self.kills:3} kills, median {median:5.2f} s, max {longest:5.2f} s{never}"


class Killer:
    """Kills one part after the other; a client of its own tells when writes work again."""

    def __init__(self, service: Service, probe: Client, seed: int) -> None:
        self.service = service
        self.probe = probe
        self.random = random.Random(f"{seed} killer")
        kinds: dict[str, Callable[[], list[psutil.Process]]] = {
            "web master": lambda: self._head("web"),
            "web worker": lambda: self.random.sample(service.web_workers()[:2], 1),
            "worker": lambda: self._head("work"),
            "postmaster": lambda: self._head("postgres"),
            "weed": lambda: self._head("seaweedfs"),
            EVERYTHING: service.everything,
        }
        self.kinds = kinds
        self.tolls = {kind: Toll() for kind in kinds}

    def run(self, kills: int) -> None:
        """So many kills, the kinds in random order but in equal numbers, seconds apart."""
        order: list[str] = []
        while len(order) < kills:
            order += self.random.sample(list(self.kinds), len(self.kinds))
        for number, kind in enumerate(order[:kills], 1):
            time.sleep(self.random.uniform(1, 5))
            seconds = self.strike(kind)
            took = "never" if seconds is None else f"{seconds:.2f} s"
            print(f"{number:3}/{kills} {kind}: writes again after {took}", flush=True)

    def strike(self, kind: str) -> float | None:
        """Kill, then wait for the first good write: for the worker, a file that it inspected."""
        victims = self._victims(kind)
        before = self._inspected() if kind == "worker" else 0
        began = time.monotonic()
        kill(victims)
        if kind == EVERYTHING:
            self.service.start_again()
        while time.monotonic() < began + RECOVERY_SECONDS:
            if self.probe.upload() and (kind != "worker" or self._inspected() > before):
                seconds = time.monotonic() - began
                self.tolls[kind].seconds.append(seconds)
                return seconds
            time.sleep(PROBE_SECONDS)
        self.tolls[kind].never += 1
        return None

    def _victims(self, kind: str) -> list[psutil.Process]:
        until = time.monotonic() + RECOVERY_SECONDS
        while time.monotonic() < until:
            try:
                if victims := self.kinds[kind]():
                    return victims
            except (ValueError, psutil.Error):  # on its way back from the last kill
                pass
            time.sleep(PROBE_SECONDS)
        raise RuntimeError(f"There is no {kind} to kill:\n{self.service.up.output}")

    def _head(self, part: str) -> list[psutil.Process]:
        found = self.service.head(part)
        return [found] if found else []

    def _inspected(self) -> int:
        """How many files have been inspected."""
        statement = "SELECT count(*) FROM images_image WHERE processed_at IS NOT NULL"
        return int(self.service.sql(statement)[0][0])
