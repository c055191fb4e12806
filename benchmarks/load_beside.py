"""What searches take while something else is going on: one client that asks at an even pace."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from benchmarks import v1_requests
from benchmarks.client import Client
from benchmarks.corpus import Corpus, Question
from benchmarks.timing import Times, spread

# What is asked, in turn; each as often as the others.
KINDS = ("common_tag", "rare_tag", "and2", "tag_date", "first_page")
PACE_SECONDS = 0.05


@dataclass
class Beside:
    """Times of searches by what went on meanwhile, in milliseconds, and what was answered wrong."""

    taken: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    wrong: list[str] = field(default_factory=list)
    meanwhile: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON; of what there was no time to ask anything during, nothing."""
        return {name: Times(tuple(taken)).as_dict() for name, taken in self.taken.items()}

    @contextmanager
    def during(self, what: str) -> Iterator[None]:
        """Count what is asked in here as asked during this."""
        self.meanwhile = what
        try:
            yield
        finally:
            self.meanwhile = ""


@contextmanager
def searches(base: str, token: str, corpus: Corpus, warm_up_seconds: float) -> Iterator[Beside]:
    """Ask, and check each total, until the end of the block; all was asked once before, or as much
    as there is time for."""
    beside, end, questions = Beside(), threading.Event(), _mixed(corpus)
    with closing(Client(base, token)) as client:
        until = time.perf_counter() + warm_up_seconds
        for asked in questions:
            client.ask(v1_requests.search(asked))
            if time.perf_counter() > until:
                break
        thread = threading.Thread(target=_ask, args=[client, questions, beside, end])
        thread.start()
        try:
            yield beside
        finally:
            end.set()
            thread.join()


def _mixed(corpus: Corpus) -> list[Question]:
    """The questions of all kinds, one of each after the other."""
    kinds = [spread(corpus.kinds[name]) for name in KINDS if name in corpus.kinds]
    longest = max(map(len, kinds))
    return [kind[at % len(kind)] for at in range(longest) for kind in kinds]


def _ask(
    client: Client, questions: Sequence[Question], beside: Beside, end: threading.Event
) -> None:
    at = 0
    while not end.is_set():
        asked, meanwhile = questions[at % len(questions)], beside.meanwhile
        began = time.perf_counter()
        answer = client.ask(v1_requests.search(asked))
        took = time.perf_counter() - began
        if meanwhile:
            beside.taken[meanwhile].append(took * 1000)
            try:
                v1_requests.check(asked, answer, None)
            except v1_requests.Wrong as wrong:
                beside.wrong.append(f"{meanwhile}: {v1_requests.search(asked)}: {wrong}")
        at += 1
        end.wait(max(0, PACE_SECONDS - took))


@dataclass
class Backlog:
    """The most that the tag index had yet to take in."""

    rows: int = 0


@contextmanager
def watched_backlog(seconds: float = 0.5) -> Iterator[Backlog]:
    """Count again and again what the tag index has yet to take in, until the end of the block."""
    backlog, end = Backlog(), threading.Event()

    def look() -> None:
        with closing(connection.copy()) as own, own.cursor() as cursor:
            while not end.wait(seconds):
                cursor.execute("SELECT count(*) FROM search_unindexed")
                backlog.rows = max(backlog.rows, cursor.fetchone()[0])

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield backlog
    finally:
        end.set()
        thread.join()
