"""Which hosts die, what those who run a cluster do then, and how long until writes work again.

One at a time: a host is back, and everything is there twice again, before the next one dies.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import psycopg2

from benchmarks.cluster.copies import is_whole
from benchmarks.cluster.databases import Pair
from benchmarks.cluster.hosts import Program, wait_until
from benchmarks.cluster.service import Cluster
from benchmarks.torture.clients import Client
from benchmarks.torture.kills import Toll

# How long a host is away, at least; and how long writes are waited for.
AWAY_SECONDS = 5
RECOVERY_SECONDS = 120
PROBE_SECONDS = 0.1
WHOLE_SECONDS = 180

Mend = Callable[[], None]


@dataclass
class Absence:
    """While one kind of host was dead or on its way back, on the monotonic clock."""

    kind: str
    began: float
    ended: float


class Killer:
    """Kills hosts of each kind; a client of its own tells when writes work again."""

    def __init__(self, cluster: Cluster, probe: Client, seed: int) -> None:
        self.cluster, self.probe = cluster, probe
        self.random = random.Random(f"{seed} killer")
        # Each kills, does what cannot wait, and returns what makes the host whole again.
        self.kinds: dict[str, Callable[[], Mend]] = {
            "a web host": partial(self._kill_one, cluster.web),
            "a worker": partial(self._kill_one, cluster.workers),
            "the primary": partial(self._fail_over, cluster.records),
            "its replica": partial(self._lose_replica, cluster.records),
            "a volume server": partial(self._kill_one, cluster.objects.volume_servers),
            "a volume server's disk": self._lose_disk,
            "a filer": partial(self._kill_one, cluster.objects.filers),
            "an S3 gateway": partial(self._kill_one, cluster.objects.gateways),
            "the leading master": self._kill_leader,
            "the primary of the filers": partial(self._fail_over, cluster.names),
        }
        self.tolls = {kind: Toll() for kind in self.kinds}
        self.absences: list[Absence] = []

    def run(self, rounds: int, only: list[str]) -> None:
        """So many of each kind, in random order."""
        kinds = [kind for kind in self.kinds if not only or kind in only]
        for number in range(rounds):
            for kind in self.random.sample(kinds, len(kinds)):
                self.strike(kind, f"{number + 1}/{rounds}")

    def strike(self, kind: str, count: str) -> None:
        """Kill one, wait for a good write, and have it back."""
        toll = self.tolls[kind]
        before = self._inspected() if kind == "a worker" else -1
        struck_at = time.monotonic()
        mend = self.kinds[kind]()
        toll.kills += 1
        said = "never writes again"
        while time.monotonic() < struck_at + RECOVERY_SECONDS:
            if self.probe.upload() and self._inspected() > before:
                toll.seconds.append(seconds := time.monotonic() - struck_at)
                said = f"writes again after {seconds:.2f} s"
                break
            time.sleep(PROBE_SECONDS)
        else:
            toll.never += 1
        time.sleep(max(0, struck_at + AWAY_SECONDS - time.monotonic()))
        mend()
        wait_until(
            lambda: is_whole(self.cluster), self.cluster.objects.masters[0].part.log, WHOLE_SECONDS
        )
        self.absences.append(Absence(kind, struck_at, ended := time.monotonic()))
        print(f"{count:7} {kind}: {said}, whole after {ended - struck_at:.0f} s", flush=True)

    def _kill_one(self, programs: list[Program]) -> Mend:
        victim = self.random.choice(programs)
        victim.kill()
        return victim.start

    def _fail_over(self, pair: Pair) -> Mend:
        pair.primary.kill()
        pair.promote()
        return pair.replace_replica

    def _lose_replica(self, pair: Pair) -> Mend:
        pair.replica.kill()
        # Nobody is waited for who is away.
        pair.primary.hold_commits_for("")

        def mend() -> None:
            pair.replica.start()
            pair.hold()

        return mend

    def _lose_disk(self) -> Mend:
        objects = self.cluster.objects
        victim = self.random.choice(objects.volume_servers)
        victim.kill()
        objects.lose_disk(victim)

        def mend() -> None:
            victim.start()
            objects.copy_anew()

        return mend

    def _kill_leader(self) -> Mend:
        victim = self.cluster.objects.leader()
        victim.kill()
        return victim.start

    def _inspected(self) -> int:
        """How many files have been inspected; -1 while the database does not tell."""
        statement = "SELECT count(*) FROM images_image WHERE processed_at IS NOT NULL"
        try:
            return int(self.cluster.sql(statement)[0][0])
        except psycopg2.OperationalError:
            return -1
