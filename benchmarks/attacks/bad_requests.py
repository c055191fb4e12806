"""Bad requests by the hundred thousand: what they are told, and whatever must never be."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.attacks import judging
from benchmarks.attacks.composing import Composer, Sent
from benchmarks.attacks.wire import Answer, Connection, Service
from benchmarks.stamp import Say

CONNECTIONS = 16
EVERY = 10_000
# Longer than this no request may take.
MOST_SECONDS = 10
# Of each sort of fault so many are told in full.
MOST_TOLD = 60


@dataclass
class Findings:
    """What came back of how many."""

    sent: int = 0
    seconds: float = 0
    statuses: dict[str, Counter[int]] = field(default_factory=dict)
    # By what went wrong and where, the first request that showed it, and how often.
    faults: dict[tuple[str, str], tuple[Sent, Answer, str]] = field(default_factory=dict)
    times: Counter[tuple[str, str]] = field(default_factory=Counter)
    unanswered: Counter[str] = field(default_factory=Counter)
    slowest: tuple[float, str] = (0, "")
    # Of each route, how often and how long in all.
    spent: dict[str, list[float]] = field(default_factory=dict)

    def judge(self, sent: Sent, answer: Answer, seconds: float) -> None:
        """Take one answer in."""
        self.sent += 1
        self.statuses.setdefault(sent.route.dialect, Counter())[answer.status] += 1
        self.slowest = max(self.slowest, (seconds, sent.about))
        spent = self.spent.setdefault(str(sent.route), [0, 0])
        spent[0], spent[1] = spent[0] + 1, spent[1] + seconds
        if answer.status == 0:
            self.unanswered[answer.body.decode()] += 1
            if not answer.body.startswith(b"closed"):
                self._fault("no answer", sent, answer)
        if answer.status >= 500:
            self._fault(str(answer.status), sent, answer)
        if seconds > MOST_SECONDS and answer.status:
            self._fault("slow", sent, answer, f"{seconds:.1f} s")
        if leaked := judging.leaks(answer, sent.data):
            self._fault("leak", sent, answer, leaked)
        if sent.method != "HEAD" and judging.misshapen(sent.route.dialect, answer):
            self._fault("shape", sent, answer)

    def _fault(self, what: str, sent: Sent, answer: Answer, note: str = "") -> None:
        # One for each place of a route, however many values show it; of milder faults, a route.
        place = sent.place if what.isdecimal() else ""
        key = what, f"{sent.method} {sent.route.path} {place}"
        self.times[key] += 1
        self.faults.setdefault(key, (sent, answer, note))


async def run(
    service: Service, composer: Composer, many: int, refresh: Callable[[], None], say: Say
) -> Findings:
    """Send so many; every now and then what exists is looked up again."""
    findings = Findings()
    began = time.monotonic()
    turn = 0

    async def work() -> None:
        nonlocal turn
        connection = Connection(service)
        while turn < many:
            turn += 1
            if turn % EVERY == 0:
                refresh()
                passed = time.monotonic() - began
                say(f"{turn} requests, {passed:.0f} s, {len(findings.faults)} faults")
            sent = composer.compose()
            start = time.monotonic()
            answer = await connection.ask(sent.data)
            findings.judge(sent, answer, time.monotonic() - start)
        connection.close()

    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    findings.seconds = time.monotonic() - began
    return findings


def text(findings: Findings) -> str:
    """Counts by status and dialect, and each fault once with what reproduces it."""
    every = sorted({status for counts in findings.statuses.values() for status in counts})
    lines = [
        f"sent {findings.sent} in {findings.seconds:.0f} s over {CONNECTIONS} connections",
        f"| dialect | {' | '.join(map(str, every))} |",
        f"|---|{'---:|' * len(every)}",
    ]
    for dialect, counts in sorted(findings.statuses.items()):
        lines.append(f"| {dialect} | {' | '.join(str(counts[status]) for status in every)} |")
    slowest, about = findings.slowest
    lines += ["(0: closed without an answer)", f"unanswered: {dict(findings.unanswered)}"]
    lines.append(f"slowest: {slowest:.1f} s, {about}")
    dearest = sorted(findings.spent.items(), key=lambda each: -each[1][1])[:8]
    told = [f"{route} ({seconds / times * 1000:.0f} ms)" for route, (times, seconds) in dearest]
    lines.append(f"most time went to: {', '.join(told)}")
    for what in (
        "500",
        "501",
        "502",
        "503",
        "504",
        "505",
        "507",
        "leak",
        "no answer",
        "slow",
        "shape",
    ):
        keys = [key for key in findings.faults if key[0] == what]
        if keys:
            lines.append(
                f"\n{what}: {len(keys)} places, {sum(findings.times[k] for k in keys)} times"
            )
        for key in sorted(keys)[:MOST_TOLD]:
            lines += _told(key, findings)
    five = sum(
        n for counts in findings.statuses.values() for status, n in counts.items() if status > 499
    )
    lines.append(f"\nanswers of 5xx: {five} of {findings.sent}")
    return "\n".join(lines)


def _told(key: tuple[str, str], findings: Findings) -> list[str]:
    sent, answer, note = findings.faults[key]
    head, _, body = sent.data.partition(b"\r\n\r\n")
    first = head.split(b"\r\n")[0]
    return [
        f"  {findings.times[key]} x {sent.about!r} {note!r}",
        f"      {first[:300].decode('latin-1')}   body {body[:200]!r}",
        f"      -> {answer.status} {answer.body[:160]!r}",
    ]
