"""The run: start, torture, settle, sweep, check, report. Exits with 1 on any loss."""

import argparse
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from benchmarks.torture import audits, ledger
from benchmarks.torture.asking import Asker
from benchmarks.torture.checks import Checker
from benchmarks.torture.clients import Client
from benchmarks.torture.damage import prove
from benchmarks.torture.doors import Doors, open_doors
from benchmarks.torture.expectations import expectations
from benchmarks.torture.kills import Killer
from benchmarks.torture.ledger import Entry, Ledger, unexpected
from benchmarks.torture.service import Memory, Service
from benchmarks.torture.tagging import SHARED

# Requests that change nothing.
READS = ("look", "identify", "find_tag", "complete")
SLOW_SECONDS = 10


def main() -> int:
    """Run it on a fresh folder, which stays there where something was lost."""
    options = arguments()
    folder = Path(tempfile.mkdtemp(prefix="torture-"))
    service = Service(folder / "data")
    try:
        lost = run(service, folder / "ledger.jsonl", options)
    finally:
        service.finish()
    if lost:
        print(f"Logs and ledger: {folder}")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.torture", description=__doc__)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument(
        "--seconds", type=float, default=720, help="over which the kills are spread"
    )
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--prove",
        action="store_true",
        help="at the end do damage by hand: each check must report its own",
    )
    return parser.parse_args()


def run(service: Service, path: Path, options: argparse.Namespace) -> bool:
    """Torture and check; whether anything was lost (with --prove: or damage was missed)."""
    memory = Memory(service)
    memory.start()
    doors, written = open_doors(service), Ledger(path)
    killer, seconds = torture(service, written, doors, options)
    entries = ledger.read(path)
    expected = expectations(entries)
    checker = Checker(service, expected, doors)
    settled = checker.settle()
    memory.stopping.set()
    mended = checker.sweep()
    losses = [*unexpected(entries), *checker.losses(), *audits.audits(service, doors)]
    if settled is None:
        losses.append("it never settled")
    losses += [f"lost or resized by reconcile: {mended}"] * bool({"lost", "resized"} & set(mended))
    report(entries, killer, memory, seconds)
    print(f"{'settled after':22} {settled if settled is None else round(settled, 1)} s")
    print(f"{'mended by reconcile':22} {mended or 'nothing'}")
    print(f"{'files checked':22} {len(expected.files)}, {len(expected.current)} must be there")
    print(f"{'losses':22} {len(losses)}")
    print("\n".join(losses))
    if options.prove:
        shared = shared_tags(service, written, doors)
        prover = Client("prover", service, written, doors, shared, options.seed)
        losses += prove(service, checker, prover)
    return bool(losses)


def torture(
    service: Service, written: Ledger, doors: Doors, options: argparse.Namespace
) -> tuple[Killer, float]:
    """Clients at work until the last kill is survived; the killer, and the seconds it took."""
    stopping = threading.Event()
    shared = shared_tags(service, written, doors)
    *clients, probe = (
        Client(name, service, written, doors, shared, options.seed)
        for name in [*(f"c{number}" for number in range(options.clients)), "probe"]
    )
    threads = [threading.Thread(target=client.run, args=[stopping]) for client in clients]
    killer = Killer(service, probe, options.seed)
    began = time.monotonic()
    for thread in threads:
        thread.start()
    try:
        killer.run(options.kills, options.seconds)
    finally:
        stopping.set()
        for thread in threads:
            thread.join()
    return killer, time.monotonic() - began


def shared_tags(service: Service, written: Ledger, doors: Doors) -> dict[str, int]:
    """Make the tags that nobody deletes; their ids."""
    asker = Asker("vocabulary", service, written)
    named = {
        name: asker.ask(doors.tim("make_tag", "POST", "/v1/tags", 201, {"name": name}))
        for name in SHARED
    }
    return {name: tag["id"] for name, tag in named.items()}


def report(entries: list[Entry], killer: Killer, memory: Memory, seconds: float) -> None:
    """The table."""
    done = Counter(entry.op for entry in entries if entry.outcome == "ok")
    outcomes = Counter(entry.outcome for entry in entries)
    took = [entry.seconds for entry in entries if entry.seconds is not None]
    writes = sum(count for op, count in done.items() if op not in READS)
    print(f"\n{'torture':22} {seconds:.0f} s")
    for kind, toll in killer.tolls.items():
        print(f"{kind:31} {toll}")
    print(f"{'kills':22} {killer.kills}")
    print(f"{'acknowledged writes':22} {writes}", dict(done))
    print(f"{'requests':22} {dict(outcomes)}")
    slow = sum(second > SLOW_SECONDS for second in took)
    print(f"{'longest request':22} {max(took):.1f} s, {slow} over {SLOW_SECONDS} s")
    peaks = {title: f"{size / 2**20:.0f} MiB" for title, size in memory.peaks.items()}
    print(f"{'peak memory (PSS)':22} {peaks}")


if __name__ == "__main__":
    sys.exit(main())
