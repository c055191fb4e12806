"""Measures every kind of question through HTTP, the first time and after, and on the floor."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from django.db import connection

from benchmarks import doors, goals
from benchmarks.attacks.credentials import Caller
from benchmarks.client import Answer, Client, Request, Throughput, together
from benchmarks.corpus import Corpus, Question
from benchmarks.doors import DOORS, Door
from benchmarks.floor import Floor
from benchmarks.service import web_memory
from benchmarks.stamp import Say
from benchmarks.timing import Times, measured, spread, twice
from benchmarks.v1_requests import Wrong

CLIENTS = 8

Rows = dict[Question, list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Kind:
    """One kind of question, measured on both sides."""

    name: str
    # Each question once, and all of them again.
    first: Times
    service: Times
    # None where no SQL is known to be the best.
    floor: Times | None
    wrong: list[str]
    # The service's for a page of one record, which is little more than the total; None for kinds
    # that begin at later pages, and for those of other doors.
    total: Times | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        floor = self.floor.as_dict() if self.floor else None
        kind = {
            "first": self.first.as_dict(),
            "service": self.service.as_dict(),
            "floor": floor,
            "total": self.total.as_dict() if self.total else None,
            "ratio": round(self.service.median / self.floor.median, 2) if self.floor else None,
            "allowed": goals.allowed(self.name, floor),
            "wrong": self.wrong,
        }
        return kind | {"met": not goals.missed(self.name, kind)}


@dataclass
class Result:
    """What one run has found, with all that is needed to judge it."""

    images: int
    kinds: list[Kind] = field(default_factory=list)
    throughput: Throughput | None = None
    memory: dict[str, int] | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON; times in milliseconds, sizes in bytes."""
        return {
            "images": self.images,
            "kinds": {kind.name: kind.as_dict() for kind in self.kinds},
            "throughput": self.throughput.as_dict() if self.throughput else None,
            "web_memory": self.memory,
        }


@dataclass(frozen=True)
class Comparison:
    """One run: which service, which corpus, against which floor."""

    base: str
    token: str
    corpus: Corpus
    floor: Floor
    # The most that one kind may take on each side, the first time and after, each.
    seconds: float
    say: Say
    # All, if empty.
    only: frozenset[str] = frozenset()
    # Who knocks at the doors that open to nobody else.
    caller: Caller | None = None

    def run(self) -> Result:
        """Measure it all, over one connection that is kept."""
        result = Result(self.corpus.size)
        with closing(Client(self.base)) as client:
            kinds = dict(self.kinds(client))
            for name, (door, questions) in kinds.items():
                kind = self.kind(name, door, questions, client)
                result.kinds.append(kind)
                self.say(_told(kind))
        result.throughput = self.throughput(kinds)
        result.memory = web_memory()
        return result

    def kinds(self, client: Client) -> Iterator[tuple[str, tuple[Door, list[Question]]]]:
        """How each kind is asked, and its questions; tags by name, and by id too."""
        by_tags = self.corpus.kinds
        for name, questions in by_tags.items():
            if self.is_wanted(name):
                yield name, (DOORS[questions[0].door], questions)
        single = [name for name in ("common_tag", "rare_tag") if name in by_tags]
        for name in single:
            if self.is_wanted(f"{name} by id"):
                yield f"{name} by id", (doors.by_id(self.tag_ids(single)), by_tags[name])
        wanted = {k: q for k, q in self.corpus.further_kinds.items() if self.is_wanted(k)}
        for name, questions in doors.answerable(
            wanted, [client], self.corpus, self.caller, self.say
        ).items():
            yield name, (DOORS[questions[0].door], questions)

    def is_wanted(self, kind: str) -> bool:
        """Whether it is one of those that were asked for."""
        return not self.only or kind in self.only

    def tag_ids(self, kinds: Sequence[str]) -> dict[str, int]:
        """The service's ids of the tags in some kinds of questions."""
        tags = [asked.tags[0] for kind in kinds for asked in self.corpus.kinds[kind]]
        with connection.cursor() as cursor:
            cursor.execute("SELECT name, id FROM tags_tag WHERE name = ANY(%s)", [tags])
            return dict(cursor.fetchall())

    def kind(self, name: str, door: Door, questions: list[Question], client: Client) -> Kind:
        """Measure one kind on both sides; every answer that is timed is checked."""
        rows: Rows = {}
        wrong: list[str] = []
        floor = None
        if all(map(self.floor.knows, questions)):
            floor = self.on_floor(questions, rows)
        ask = partial(self.ask, client, door)

        def check(asked: Question, answer: Answer) -> None:
            try:
                doors.check(asked, answer, rows.get(asked))
            except Wrong as error:
                wrong.append(f"{door.request(asked, self.caller)[0]}: {error}")

        first, again = twice(ask, questions, check, self.seconds)
        ones = [replace(asked, limit=1, digest=None) for asked in questions if not asked.offset]
        has_total = ones and ones[0].facets is None and door.dialect == "v1"
        total = measured(ask, ones, check, self.seconds) if has_total else None
        return Kind(name, first, again, floor, wrong, total)

    def on_floor(self, questions: list[Question], rows: Rows) -> Times:
        """What the floor takes; its rows of each page are kept."""

        def of_floor(asked: Question) -> tuple[int, list[tuple[Any, ...]]]:
            values = self.floor.resolve(asked)
            return self.floor.count(asked, values), self.floor.page(asked, values)

        def check(asked: Question, answer: tuple[int, list[tuple[Any, ...]]]) -> None:
            total, rows[asked] = answer
            if total != asked.total or len(rows[asked]) != asked.length:
                raise AssertionError(f"The floor is wrong: {asked}, {total} found.")

        return measured(of_floor, questions, check, self.seconds)

    def ask(self, client: Client, door: Door, asked: Question) -> Answer:
        """Put a question, with what opens the door."""
        request: Request = door.request(asked, self.caller)
        path, *more = request
        method, body = more or ("GET", None)
        return client.ask(path, method, body, door.headers(self.token, self.caller))

    def throughput(self, kinds: dict[str, tuple[Door, list[Question]]]) -> Throughput | None:
        """Several clients at once, asking /v1 for full pages of every kind by tags."""
        by_tags = [kind for name, kind in kinds.items() if name not in self.corpus.further_kinds]
        full = [
            door.request(asked, None)
            for door, questions in by_tags
            for asked in questions
            if asked.length == asked.limit
        ]
        if not full:
            return None
        return together(self.base, self.token, spread(full), CLIENTS, self.seconds)


def _told(kind: Kind) -> str:
    floor = f"{kind.floor.median:7.2f}" if kind.floor else "      -"
    times = f"first {kind.first.median:8.2f}, again {kind.service.median:8.2f}"
    wrong = f", {kind.wrong[0]}" if kind.wrong else ""
    return f"{kind.name:34} floor {floor}, {times} / {kind.service.p95:8.2f} ms{wrong}"
