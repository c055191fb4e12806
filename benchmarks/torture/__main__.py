"""The run: start, torture, settle, sweep, check, report. Exits with 1 on any loss."""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.torture.checks import Checker
from benchmarks.torture.clients import Client
from benchmarks.torture.damage import prove
from benchmarks.torture.doors import open_doors
from benchmarks.torture.expectations import expectations
from benchmarks.torture.kills import Killer
from benchmarks.torture.ledger import Ledger, read
from benchmarks.torture.running import at_work, reckon, report, shared_tags
from benchmarks.torture.service import Memory, OneMachine


def main() -> int:
    """Run it on a fresh folder, which stays there where something was lost."""
    options = arguments()
    folder = Path(tempfile.mkdtemp(prefix="torture-"))
    service = OneMachine(folder / "data")
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


def run(service: OneMachine, path: Path, options: argparse.Namespace) -> bool:
    """Torture and check; whether anything was lost (with --prove: or damage was missed)."""
    memory = Memory(service)
    memory.start()
    doors, written = open_doors(service), Ledger(path)
    shared = shared_tags(service, written, doors)
    *clients, probe = (
        Client(name, service, written, doors, shared, options.seed)
        for name in [*(f"c{number}" for number in range(options.clients)), "probe"]
    )
    killer = Killer(service, probe, options.seed)
    began = time.monotonic()
    with at_work(clients):
        killer.run(options.kills, options.seconds)
    entries = read(path)
    report(entries, killer.tolls, time.monotonic() - began)
    checker = Checker(service, expectations(entries), doors)
    settled = checker.settle()
    memory.stopping.set()
    peaks = {title: f"{size / 2**20:.0f} MiB" for title, size in memory.peaks.items()}
    print(f"{'peak memory (PSS)':22} {peaks}")
    print(f"{'settled after':22} {settled if settled is None else round(settled, 1)} s")
    losses = ["it never settled"] * (settled is None) + reckon(checker, doors, entries)
    print(f"{'losses':22} {len(losses)}")
    print("\n".join(losses))
    if options.prove:
        prover = Client("prover", service, written, doors, shared, options.seed)
        losses += prove(service, checker, prover)
    return bool(losses)


if __name__ == "__main__":
    sys.exit(main())
