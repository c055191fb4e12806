"""The run: bring it up, kill hosts under load, settle, check, report. Exits with 1 on a loss."""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.cluster import copies
from benchmarks.cluster.costs import print_cost
from benchmarks.cluster.kills import Absence, Killer
from benchmarks.cluster.proving import prove_copies
from benchmarks.cluster.reading import Read, Reader
from benchmarks.cluster.service import Cluster
from benchmarks.torture.checks import Checker
from benchmarks.torture.clients import Client
from benchmarks.torture.damage import prove
from benchmarks.torture.doors import open_doors
from benchmarks.torture.expectations import expectations
from benchmarks.torture.ledger import Ledger, read
from benchmarks.torture.running import at_work, reckon, report, shared_tags

READERS = 2


def main() -> int:
    """Run it on a fresh folder, which stays there where something was lost."""
    options = arguments()
    folder = Path(tempfile.mkdtemp(prefix="cluster-"))
    began = time.monotonic()
    cluster = Cluster(folder)
    print(f"{'up after':22} {time.monotonic() - began:.0f} s, {cluster.url}", flush=True)
    try:
        if options.cost:
            print_cost(cluster)
        lost = not options.cost and run(cluster, folder / "ledger.jsonl", options)
    finally:
        cluster.finish()
    if lost:
        print(f"Logs and ledger: {folder}")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.cluster", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1, help="how often each kind is killed (1)")
    parser.add_argument("--only", default="", help="only these kinds, by commas")
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--cost", action="store_true", help="only what waiting for the replica costs a write"
    )
    parser.add_argument(
        "--prove",
        action="store_true",
        help="at the end do damage by hand: each check must report its own",
    )
    return parser.parse_args()


def run(cluster: Cluster, path: Path, options: argparse.Namespace) -> bool:
    """Torture and check; whether anything was lost (with --prove: or damage was missed)."""
    doors, written = open_doors(cluster), Ledger(path)
    shared = shared_tags(cluster, written, doors)

    def client(name: str) -> Client:
        return Client(name, cluster, written, doors, shared, options.seed)

    readers = [Reader(client(f"reader-{number}")) for number in range(READERS)]
    for reader in readers:
        reader.prepare()
    killer = Killer(cluster, client("probe"), options.seed)
    began = time.monotonic()
    with at_work([client(f"c{number}") for number in range(options.clients)]):
        for reader in readers:
            reader.start()
        killer.run(options.rounds, [kind for kind in options.only.split(",") if kind])
        for reader in readers:
            reader.stopping.set()
            reader.join()
    entries = read(path)
    report(entries, killer.tolls, time.monotonic() - began)
    report_reads([one for reader in readers for one in reader.reads], killer.absences)
    held = {kind: f"{size / 2**20:.0f} MiB" for kind, size in cluster.memory().items()}
    print(f"{'memory (PSS)':22} {held}")
    checker = Checker(cluster, expectations(entries), doors)
    settled = checker.settle()
    print(f"{'settled after':22} {settled if settled is None else round(settled, 1)} s")
    losses = ["it never settled"] * (settled is None) + reckon(checker, doors, entries)
    losses += copies.lacking(cluster, checker.expected.current) + verify(cluster)
    print(f"{'losses':22} {len(losses)}")
    print("\n".join(losses))
    if options.prove:
        losses += prove_copies(cluster, checker.expected.current)
        losses += prove(cluster, checker, client("prover"))
    return bool(losses)


def verify(cluster: Cluster) -> list[str]:
    """What `verify` says is not as it was."""
    ran = cluster.manage("verify")
    return [f"verify: {line}" for line in (ran.stdout + ran.stderr).splitlines()] * (
        ran.returncode != 0
    )


def report_reads(reads: list[Read], absences: list[Absence]) -> None:
    """How many reads failed: in all, and from each kill until that host was back."""
    print(f"\n{'reads while it was away':31} {'reads':>6} failed longest")
    for kind in dict.fromkeys(absence.kind for absence in absences):
        spans = [(one.began, one.ended) for one in absences if one.kind == kind]
        print_reads(kind, [r for r in reads if any(a <= r.at <= b for a, b in spans)])
    print_reads("all", reads)
    failures = Counter(f"{one.what}: {one.failure}" for one in reads if one.failure)
    print(f"{'of these':22} {dict(failures)}")
    median = statistics.median(one.seconds for one in reads)
    print(f"{'median read':22} {median * 1000:.0f} ms")


def print_reads(title: str, reads: list[Read]) -> None:
    """A line of the table."""
    failed = sum(bool(one.failure) for one in reads)
    longest = max((one.seconds for one in reads), default=0)
    print(f"{title:31} {len(reads):6} {failed:6} {longest:5.1f} s")


if __name__ == "__main__":
    sys.exit(main())
