"""The killer: what it kills or stops, in which order, and how long until writes work again."""

import random
import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

import psutil
import psycopg2

from benchmarks.torture import files
from benchmarks.torture.clients import Client
from benchmarks.torture.service import OneMachine, kill

RECOVERY_SECONDS = 120
PROBE_SECONDS = 0.1
EVERYTHING = "everything, up too"
# How long a part is stopped, and after how many kills the next one is.
STOPPED_SECONDS = 5, 20
KILLS_PER_STOP = 10
PARTS = {"web": "web master", "work": "worker", "postgres": "postmaster", "seaweedfs": "weed"}
JOB_SECONDS, JOB_TRIES = 60, 4


@dataclass
class Toll:
    """What was done to one part, and the seconds until the first good write after each time."""

    kills: int = 0
    seconds: list[float] = field(default_factory=list)
    never: int = 0

    def __str__(self) -> str:
        if not self.seconds:
            return f"{self.kills} kills, no recovery"
        median, longest = statistics.median(self.seconds), max(self.seconds)
        never = f", never {self.never}" if self.never else ""
        return f"{self.kills:3} kills, median {median:5.2f} s, max {longest:5.2f} s{never}"


class Killer:
    """Kills one part after the other; a client of its own tells when writes work again."""

    def __init__(self, service: OneMachine, probe: Client, seed: int) -> None:
        self.service = service
        self.probe = probe
        self.random = random.Random(f"{seed} killer")
        # When the last blow was struck, on the monotonic clock.
        self.struck_at = 0.0
        again = {
            f"{title}, again as it returns": partial(self._kill_twice, part)
            for part, title in PARTS.items()
        }
        # Each kills, and returns how many times it did.
        self.kinds: dict[str, Callable[[], int]] = {
            **{title: partial(self._kill_head, part) for part, title in PARTS.items()},
            "web worker": self._kill_web_worker,
            "worker, amid a job": self._kill_amid_job,
            EVERYTHING: self._kill_everything,
            "up, as it starts": self._kill_starting,
            **again,
        }
        stops = {f"{title} stopped": Toll() for title in PARTS.values()}
        self.tolls = {kind: Toll() for kind in self.kinds} | stops

    @property
    def kills(self) -> int:
        """How many there were."""
        return sum(toll.kills for toll in self.tolls.values())

    def run(self, kills: int, seconds: float) -> None:
        """At least so many kills spread over this time, the kinds in random order but in equal
        numbers."""
        ends_at = time.monotonic() + seconds
        order: list[str] = []
        parts: list[str] = []
        stops = 0
        while self.kills < kills:
            order = order or self.random.sample(list(self.kinds), len(self.kinds))
            pause = (ends_at - time.monotonic()) / (kills - self.kills)
            time.sleep(max(0.5, pause * self.random.uniform(0.4, 1.2)))
            self.strike(kind := order.pop(), self.kinds[kind], f"{self.kills:3}/{kills}")
            if self.kills // KILLS_PER_STOP > stops:
                stops += 1
                parts = parts or self.random.sample(list(PARTS), len(PARTS))
                part = parts.pop()
                self.strike(f"{PARTS[part]} stopped", partial(self._stop, part), "")

    def strike(self, kind: str, blow: Callable[[], int], count: str) -> None:
        """Kill or stop, then wait for a good write: for the worker, a file that it inspected."""
        toll = self.tolls[kind]
        toll.kills += blow()
        before = self._inspected() if "worker" in kind else -1
        while time.monotonic() < self.struck_at + RECOVERY_SECONDS:
            if self.probe.upload() and self._inspected() > before:
                toll.seconds.append(seconds := time.monotonic() - self.struck_at)
                print(f"{count:7} {kind}: writes again after {seconds:.2f} s", flush=True)
                return
            time.sleep(PROBE_SECONDS)
        toll.never += 1
        print(f"{count:7} {kind}: never writes again", flush=True)

    def _kill(self, victims: list[psutil.Process]) -> None:
        kill(victims)
        self.struck_at = time.monotonic()

    def _kill_head(self, part: str) -> int:
        self._kill([self._head(part)])
        return 1

    def _kill_twice(self, part: str) -> int:
        """Kill a part, and what `up` starts in its place as soon as that is there."""
        first = self._head(part)
        self._kill([first])
        second = self._head(part, but=first.pid)
        time.sleep(self.random.uniform(0, 1))
        self._kill([second])
        return 2

    def _kill_web_worker(self) -> int:
        victims = self._found(lambda: self.service.web_workers()[:2])
        self._kill([self.random.choice(victims)])
        return 1

    def _kill_amid_job(self) -> int:
        """Halt a reader of files, so that its job cannot end, and kill the worker that waits."""
        victims: list[psutil.Process] = []
        # A job that was over before it was met is followed by another.
        for _ in range(JOB_TRIES):
            self.probe.create(files.slow(f"slow-{time.time()}", self.random))
            with suppress(RuntimeError):
                victims = self._found(self._halted_reader, JOB_SECONDS / JOB_TRIES)
                break
        worker, reader = victims or self._found(self._halted_reader)
        self._kill([worker])
        reader.resume()
        return 1

    def _kill_everything(self) -> int:
        self._kill(self.service.everything())
        self.service.start_again()
        return 1

    def _kill_starting(self) -> int:
        """Kill everything, and `up` again at some moment of its start."""
        self._kill(self.service.everything())
        self.service.start_and_die(self.random.uniform(0.2, 5))
        self.service.start_again()
        return 2

    def _stop(self, part: str) -> int:
        """Halt all processes of a part for some seconds: no kill."""
        halted = self._found(lambda: self.service.up.part(part))
        for victim in halted:
            victim.suspend()
        time.sleep(self.random.uniform(*STOPPED_SECONDS))
        for victim in halted:
            victim.resume()
        self.struck_at = time.monotonic()
        return 0

    def _halted_reader(self) -> list[psutil.Process]:
        """A worker with a reader of its that is at work and was halted there; else nothing."""
        worker = self._head("work")
        for reader in self.service.readers(worker):
            reader.suspend()
            if reader.status() == psutil.STATUS_STOPPED and self._is_under_way():
                return [worker, reader]
            reader.resume()
        return []

    def _is_under_way(self) -> bool:
        """Whether a claimed file of the probe's is not inspected yet."""
        statement = (
            "SELECT count(*) FROM images_image WHERE filename LIKE 'slow-%%'"
            " AND uploaded_at IS NOT NULL AND processed_at IS NULL AND check_at > now()"
        )
        return bool(self.service.sql(statement)[0][0])

    def _head(self, part: str, but: int = 0) -> psutil.Process:
        def found() -> list[psutil.Process]:
            head = self.service.head(part)
            return [head] if head and head.pid != but else []

        return self._found(found)[0]

    def _found(
        self, look: Callable[[], list[psutil.Process]], seconds: float = JOB_SECONDS
    ) -> list[psutil.Process]:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                if victims := look():
                    return victims
            except (ValueError, psutil.Error):  # on its way back from the last kill
                pass
            time.sleep(PROBE_SECONDS / 20)
        raise RuntimeError(f"There is nothing to kill:\n{self.service.up.output}")

    def _inspected(self) -> int:
        """How many files have been inspected; -1 while the database does not tell."""
        statement = "SELECT count(*) FROM images_image WHERE processed_at IS NOT NULL"
        try:
            return int(self.service.sql(statement)[0][0])
        except psycopg2.OperationalError:
            return -1
