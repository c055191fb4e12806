"""The run: start, torture, settle, sweep, check, report. Exits with 1 on any loss."""

import argparse
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from benchmarks.torture import ledger
from benchmarks.torture.checks import Checker
from benchmarks.torture.clients import Client
from benchmarks.torture.damage import do_damage, is_proven
from benchmarks.torture.expectations import expectations
from benchmarks.torture.kills import Killer
from benchmarks.torture.ledger import Entry, Ledger
from benchmarks.torture.service import Memory, Service

WRITES = ("create", "put", "upload", "retag", "delete_image", "delete_tag")


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
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--prove",
        action="store_true",
        help="at the end delete one object and one row by hand: the checker must report both",
    )
    return parser.parse_args()


def run(service: Service, path: Path, options: argparse.Namespace) -> bool:
    """Torture and check; whether anything was lost (with --prove: whether the proof failed)."""
    memory = Memory(service)
    memory.start()
    killer, seconds = torture(service, Ledger(path), options)
    entries = ledger.read(path)
    expected = expectations(entries)
    checker = Checker(service, expected)
    settled = checker.settle()
    memory.stopping.set()
    mended = checker.sweep()
    damaged = do_damage(service, expected) if options.prove else None
    losses = checker.losses()
    if settled is None:
        losses.append("it never settled")
    losses += [f"lost or resized by reconcile: {mended}"] * bool({"lost", "resized"} & set(mended))
    report(entries, killer, memory, seconds)
    print(f"{'settled after':22} {settled if settled is None else round(settled, 1)} s")
    print(f"{'mended by reconcile':22} {mended or 'nothing'}")
    print(f"{'files checked':22} {len(expected.files)}, {len(expected.current)} must be there")
    print(f"{'losses':22} {len(losses)}")
    print("\n".join(losses))
    if damaged:
        proven = is_proven(losses, damaged)
        print(f"The checker {'has found' if proven else 'HAS MISSED'} what was deleted by hand.")
        return not proven
    return bool(losses)


def torture(service: Service, written: Ledger, options: argparse.Namespace) -> tuple[Killer, float]:
    """Clients at work until the last kill is survived; the killer, and the seconds it took."""
    stopping = threading.Event()
    names = [f"c{number}" for number in range(options.clients)]
    clients = [Client(name, service, written, options.seed) for name in names]
    threads = [threading.Thread(target=client.run, args=[stopping]) for client in clients]
    killer = Killer(service, Client("probe", service, written, options.seed), options.seed)
    began = time.monotonic()
    for thread in threads:
        thread.start()
    try:
        killer.run(options.kills)
    finally:
        stopping.set()
        for thread in threads:
            thread.join()
    return killer, time.monotonic() - began


def report(entries: list[Entry], killer: Killer, memory: Memory, seconds: float) -> None:
    """The table."""
    done = Counter(entry.op for entry in entries if entry.outcome == "ok")
    outcomes = Counter(entry.outcome for entry in entries)
    strange = [
        entry
        for entry in entries
        if entry.told.get("status", 0) >= 400 and entry.told["status"] != 503
    ]
    print(f"\n{'torture':22} {seconds:.0f} s")
    for kind, toll in killer.tolls.items():
        print(f"{kind:22} {toll}")
    print(f"{'kills':22} {sum(toll.kills for toll in killer.tolls.values())}")
    print(f"{'files sent':22} {done['put'] + done['upload']}")
    print(f"{'acknowledged writes':22} {sum(done[op] for op in WRITES)}", dict(done))
    print(f"{'requests':22} {dict(outcomes)}")
    print(f"{'answers but 2xx, 503':22} {len(strange)}")
    for entry in strange[:20]:
        print(f"    {entry.op} {entry.told}")
    peaks = {title: f"{size / 2**20:.0f} MiB" for title, size in memory.peaks.items()}
    print(f"{'peak memory (PSS)':22} {peaks}")


if __name__ == "__main__":
    sys.exit(main())
