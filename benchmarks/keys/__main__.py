"""Keyed creates, each sent two to five times: exactly as many records, and the same answers.

Exits with 1 where there is another record, another answer, or none.
"""

import argparse
import random
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

from benchmarks.keys.cost import cost
from benchmarks.keys.sending import TIMES, Create, Sender
from benchmarks.stamp import stamp
from benchmarks.torture.doors import open_doors
from benchmarks.torture.service import OneMachine, kill

# No caller of the run is told to wait for another reason than a kill.
SETTINGS = {"TAGGEDIMAGES_RATE_UPLOADS": "0"}
MADE = """
SELECT count(*), count(DISTINCT filename),
       count(*) FILTER (WHERE filename = ANY(%s) AND id = ANY(%s)) FROM images_image
WHERE filename LIKE 'keyed-%%'
"""
PROBE_SECONDS = 0.2
KEPT = "SELECT count(*) FILTER (WHERE status > 0), count(*) FROM identity_keptanswer"
LOCKS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"


def main() -> int:
    """Run it on a fresh folder, which stays there where something went wrong."""
    options = arguments()
    folder = Path(tempfile.mkdtemp(prefix="keys-"))
    service = OneMachine(folder / "data", SETTINGS)
    try:
        faults = cost(service, options.seed) if options.cost else run(service, options)
    finally:
        service.finish()
    if faults:
        print(f"Logs: {folder}")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.keys", description=__doc__)
    parser.add_argument("--keys", type=int, default=10_000)
    parser.add_argument(
        "--every", type=float, default=20, help="seconds that the web serves between kills"
    )
    parser.add_argument("--kills", type=int, help="at most so many; as time allows if absent")
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cost", action="store_true", help="only what a key adds to a POST")
    return parser.parse_args()


def run(service: OneMachine, options: argparse.Namespace) -> list[str]:
    """Send all and compare; what is wrong."""
    chance = random.Random(options.seed)
    creates = [Create(number, random.Random(chance.random())) for number in range(options.keys)]
    headers = open_doors(service).tim.headers
    killer = Killer(service, options.every, options.kills, options.seed)
    began = time.monotonic()
    with (
        ThreadPoolExecutor(options.clients * TIMES[1]) as threads,
        ThreadPoolExecutor(options.clients) as clients,
    ):
        sender = Sender(service.url, headers, threads)
        killer.start()
        for number, _ in enumerate(clients.map(sender.run, creates), 1):
            if number % 1_000 == 0:
                print(f"{number} keys, {killer.kills} kills", flush=True)
        killer.stopping.set()
        killer.join()
    seconds = time.monotonic() - began
    faults = [fault for create in creates for fault in create.faults()]
    faults += killer.faults + compared(service, creates)
    report(creates, killer, seconds, faults, options.seed)
    return faults


def compared(service: OneMachine, creates: list[Create]) -> list[str]:
    """Where records and keys in the database are not those that were answered."""
    ids = [int(create.good[0].body.split(b'"id":')[1].split(b",")[0]) for create in creates]
    names = [create.filename for create in creates]
    wanted = len(creates)
    made = service.sql(MADE, names, ids)[0]
    kept = service.sql(KEPT)[0]
    held = service.sql(LOCKS)[0][0]
    print(f"{'records':22} {made[0]} of {made[1]} names, {made[2]} as answered")
    print(f"{'kept answers':22} {kept[0]}, {kept[1] - kept[0]} unfinished")
    found = {
        f"{made} records": made != (wanted, wanted, wanted),
        f"{kept} keys": kept != (wanted, wanted),
        f"{held} locks are held": bool(held),
    }
    return [fault for fault, is_so in found.items() if is_so]


def report(
    creates: list[Create], killer: "Killer", seconds: float, faults: list[str], seed: int
) -> None:
    """The table."""
    outcomes = sum((create.outcomes for create in creates), Counter())
    kinds = Counter(create.kind for create in creates)
    print(f"{'seed, commit':22} {seed}, {stamp()['commit']}")
    print(f"{'keys':22} {len(creates)} {dict(kinds)} in {seconds:.0f} s")
    print(f"{'sent at once':22} {sum(create.at_once for create in creates)} keys")
    print(f"{'requests':22} {outcomes.total()} {dict(outcomes)}")
    print(f"{'kills of the web':22} {killer.kills}")
    print(f"{'faults':22} {len(faults)}")
    print("\n".join(faults[:50]))


class Killer(threading.Thread):
    """Kills the web, by turns all its processes and one of those that answer."""

    def __init__(self, service: OneMachine, every: float, most: int | None, seed: int) -> None:
        super().__init__(daemon=True)
        self.service = service
        self.every, self.most = every, most
        self.random = random.Random(f"{seed} killer")
        self.stopping = threading.Event()
        self.kills = 0
        self.faults: list[str] = []

    def run(self) -> None:
        while self.kills != self.most and not self.stopping.wait(self.every):
            if victims := self.victims():
                kill(victims)
                self.kills += 1
            # On a slow machine it may take longer to come back than to be killed again.
            while not (self.service.up.is_ready() or self.stopping.wait(PROBE_SECONDS)):
                pass
        if not self.kills:
            self.faults.append("nothing was killed")

    def victims(self) -> list[psutil.Process]:
        """What is killed next; nothing while there is nothing."""
        if self.kills % 2 == 0:
            return self.service.up.part("web")
        return self.random.sample(found := self.service.web_workers(), min(1, len(found)))


if __name__ == "__main__":
    sys.exit(main())
