"""A reader alone, and beside attackers of every kind: what they cost it."""

import asyncio
import multiprocessing
import resource
import statistics
import time
from dataclasses import dataclass
from typing import Any

from benchmarks.attacks import kinds, reading, targets
from benchmarks.attacks.kinds import Tally
from benchmarks.attacks.reading import READ, Readings
from benchmarks.attacks.wire import Service
from benchmarks.stamp import Say

# Attackers are at work for so long before the reader begins.
HEAD_START_SECONDS = 3.0


@dataclass(frozen=True)
class Aim:
    """What is attacked, and from where."""

    base: str
    image: dict[str, Any]
    project: str
    headers: dict[str, dict[str, str]]
    sources: list[str]

    def kinds(self) -> list[targets.Kind]:
        """Those that there are."""
        return targets.kinds(Service.at(self.base), self.image, self.project, self.headers)


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    name: str
    read: dict[str, Readings]
    tally: Tally
    recovered: float | None


def rows(aim: Aim, only: list[str], seconds: float, say: Say) -> list[Row]:
    """The reader alone first, then beside each kind whose name holds one of the words."""
    service = Service.at(aim.base)
    reading.read(service, 2)
    found = [Row("nobody", reading.read(service, seconds), Tally(), 0.0)]
    say(text([found[0]]))
    for kind in aim.kinds():
        if not only or any(word in kind.name for word in only):
            found.append(_beside(kind.name, aim, seconds))
            say(line(found[-1], found[0]))
            if found[-1].recovered is None:
                say("It has not come back: start it anew, and go on with --only.")
                break
    return found


def _beside(name: str, aim: Aim, seconds: float) -> Row:
    """Attackers in a process of their own, so that the reader waits for the service alone."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_attack, args=(name, aim, seconds + HEAD_START_SECONDS, there))
    process.start()
    here.recv()
    time.sleep(HEAD_START_SECONDS)
    read = reading.read(Service.at(aim.base), seconds)
    tally = here.recv()
    process.join()
    recovered = reading.seconds_until_quiet(Service.at(aim.base))
    time.sleep(1)
    return Row(name, read, tally, recovered)


def _attack(name: str, aim: Aim, seconds: float, there: Any) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    kind = next(kind for kind in aim.kinds() if kind.name == name)
    there.send("ready")
    service = Service.at(aim.base)
    there.send(asyncio.run(kinds.crowd(kind.attack, service, aim.sources, kind.many, seconds)))


HEAD = (
    "| attackers | n | p50 ms | p99 ms | longest | p99 to quiet | failed "
    "| /healthz longest | /readyz longest | again after s "
    "| attackers were told | p50 ms | largest |\n"
    "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|---:|---:|"
)


def text(found: list[Row]) -> str:
    """The table, in Markdown."""
    return "\n".join([HEAD, *(line(row, found[0]) for row in found)])


def line(row: Row, quiet: Row) -> str:
    """A line of it."""
    list_, health, ready = row.read[READ], row.read["/healthz"], row.read["/readyz"]
    times = row.tally.milliseconds
    told = ", ".join(f"{count} x {what}" for what, count in row.tally.outcomes.most_common(6))
    cells = [
        row.name,
        len(list_.milliseconds),
        f"{list_.quantile(0.5):.1f}",
        f"{list_.quantile(0.99):.1f}",
        f"{list_.quantile(1):.0f}",
        f"{list_.quantile(0.99) / quiet.read[READ].quantile(0.99):.1f}",
        list_.failures,
        _longest(health),
        _longest(ready),
        "never" if row.recovered is None else f"{row.recovered:.1f}",
        told or "-",
        f"{statistics.median(times):.0f}" if times else "-",
        row.tally.largest or "-",
    ]
    return f"| {' | '.join(map(str, cells))} |"


def _longest(readings: Readings) -> str:
    failed = f" ({readings.failures} failed)" if readings.failures else ""
    return f"{readings.quantile(1):.0f}{failed}"
