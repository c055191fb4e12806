"""What every torture does, wherever the service runs: clients at work, reckoning, report."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.torture import audits
from benchmarks.torture.asking import Asker
from benchmarks.torture.checks import Checker
from benchmarks.torture.clients import Client
from benchmarks.torture.doors import Doors
from benchmarks.torture.kills import Toll
from benchmarks.torture.ledger import Entry, Ledger, unexpected
from benchmarks.torture.service import Service
from benchmarks.torture.tagging import SHARED

# Requests that change nothing.
READS = ("look", "identify", "find_tag", "complete")
SLOW_SECONDS = 10


def shared_tags(service: Service, written: Ledger, doors: Doors) -> dict[str, int]:
    """Make the tags that nobody deletes; their ids."""
    asker = Asker("vocabulary", service, written)
    named = {
        name: asker.ask(doors.tim("make_tag", "POST", "/v1/tags", 201, {"name": name}))
        for name in SHARED
    }
    return {name: tag["id"] for name, tag in named.items()}


@contextmanager
def at_work(clients: list[Client]) -> Iterator[None]:
    """Clients that work until the end of the context."""
    stopping = threading.Event()
    threads = [threading.Thread(target=client.run, args=[stopping]) for client in clients]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join()


def reckon(checker: Checker, doors: Doors, entries: list[Entry]) -> list[str]:
    """Sweep, compare with the ledger, audit; every loss, in a line."""
    mended, expected = checker.sweep(), checker.expected
    print(f"{'mended by reconcile':22} {mended or 'nothing'}")
    losses = [*unexpected(entries), *checker.losses()]
    losses += [f"lost or resized by reconcile: {mended}"] * bool({"lost", "resized"} & set(mended))
    print(f"{'files checked':22} {len(expected.files)}, {len(expected.current)} must be there")
    # Said before the service is stopped and started, should it not come back.
    print(f"{'losses until now':22} {len(losses)}", flush=True)
    return losses + audits.audits(checker.service, doors)


def report(entries: list[Entry], tolls: dict[str, Toll], seconds: float) -> None:
    """The table of what was killed, and what clients were told."""
    done = Counter(entry.op for entry in entries if entry.outcome == "ok")
    outcomes = Counter(entry.outcome for entry in entries)
    took = [entry.seconds for entry in entries if entry.seconds is not None]
    writes = sum(count for op, count in done.items() if op not in READS)
    print(f"\n{'torture':22} {seconds:.0f} s")
    for kind, toll in tolls.items():
        print(f"{kind:31} {toll}")
    print(f"{'kills':22} {sum(toll.kills for toll in tolls.values())}")
    print(f"{'acknowledged writes':22} {writes}", dict(done))
    print(f"{'requests':22} {dict(outcomes)}")
    slow = sum(second > SLOW_SECONDS for second in took)
    print(f"{'longest request':22} {max(took):.1f} s, {slow} over {SLOW_SECONDS} s")
