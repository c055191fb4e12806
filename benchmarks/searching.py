"""Measures every kind of query through HTTP and on the floor, side by side."""

from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import connection

from benchmarks import goals, v1_requests
from benchmarks.client import Answer, Client, Throughput, together
from benchmarks.corpus import Corpus, Question
from benchmarks.floor import Floor
from benchmarks.service import web_memory
from benchmarks.stamp import Say
from benchmarks.timing import Times, measured, spread

CLIENTS = 8


@dataclass(frozen=True)
class Kind:
    """One kind of query, measured on both sides."""

    name: str
    service: Times
    floor: Times
    wrong: list[str]
    # The service's for a page of one record, which is little more than the total; None for kinds
    # that begin at later pages.
    total: Times | None = None

    @property
    def ratio(self) -> float:
        return self.service.median / self.floor.median

    @property
    def allowed(self) -> float:
        """The median that the goal allows, in milliseconds."""
        return max(goals.FACTOR * self.floor.median, self.floor.median + goals.MORE_MS)

    @property
    def is_met(self) -> bool:
        is_quick = self.service.median <= self.allowed
        return is_quick and goals.is_even(self.service.as_dict()) and not self.wrong

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "service": self.service.as_dict(),
            "floor": self.floor.as_dict(),
            "total": self.total.as_dict() if self.total else None,
            "ratio": round(self.ratio, 2),
            "allowed": round(self.allowed, 2),
            "met": self.is_met,
            "wrong": self.wrong,
        }


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
    # The most that one kind may take on each side, warming up and measuring, each.
    seconds: float
    say: Say
    # All, if empty.
    only: frozenset[str] = frozenset()

    def run(self) -> Result:
        """Measure it all."""
        result = Result(self.corpus.size)
        paths = self.paths()
        for name, (path, questions) in paths.items():
            kind = self.kind(name, path, questions)
            result.kinds.append(kind)
            self.say(
                f"{name:18} floor {kind.floor.median:7.2f}, service {kind.service.median:8.2f}"
                f" / {kind.service.p95:8.2f} ms" + (f", {kind.wrong[0]}" if kind.wrong else "")
            )
        result.throughput = self.throughput(paths)
        result.memory = web_memory()
        return result

    def paths(self) -> dict[str, tuple[v1_requests.Path, list[Question]]]:
        """How each kind is asked, and its questions; tags by name, and by id too."""
        kinds: dict[str, tuple[v1_requests.Path, list[Question]]] = {
            name: (v1_requests.search, asked) for name, asked in self.corpus.kinds.items()
        }
        single = [name for name in ("common_tag", "rare_tag") if self.corpus.kinds.get(name)]
        by_id = v1_requests.by_id(self.tag_ids(single))
        kinds |= {f"{name} by id": (by_id, self.corpus.kinds[name]) for name in single}
        return {name: kinds[name] for name in kinds if not self.only or name in self.only}

    def tag_ids(self, kinds: list[str]) -> dict[str, int]:
        """The service's ids of the tags in some kinds of questions."""
        tags = [asked.tags[0] for kind in kinds for asked in self.corpus.kinds[kind]]
        with connection.cursor() as cursor:
            cursor.execute("SELECT name, id FROM tags_tag WHERE name = ANY(%s)", [tags])
            return dict(cursor.fetchall())

    def kind(self, name: str, path: v1_requests.Path, questions: list[Question]) -> Kind:
        """Measure one kind on both sides; every answer that is timed is checked."""
        rows: dict[int, list[tuple[Any, ...]]] = {}
        wrong: list[str] = []

        def of_floor(asked: Question) -> tuple[int, list[tuple[Any, ...]]]:
            values = self.floor.resolve(asked)
            return self.floor.count(asked, values), self.floor.page(asked, values)

        def check_floor(asked: Question, answer: tuple[int, list[tuple[Any, ...]]]) -> None:
            total, rows[id(asked)] = answer
            if total != asked.total or len(rows[id(asked)]) != asked.length:
                raise AssertionError(f"The floor is wrong: {asked}, {total} found.")

        def check(asked: Question, answer: Answer) -> None:
            try:
                v1_requests.check(asked, answer, rows.get(id(asked)))
            except v1_requests.Wrong as error:
                wrong.append(f"{path(asked)}: {error}")

        floor = measured(of_floor, questions, check_floor, self.seconds)
        with closing(Client(self.base, self.token)) as client:

            def of_service(asked: Question) -> Answer:
                return client.ask(path(asked))

            service = measured(of_service, questions, check, self.seconds)
            firsts = [replace(asked, limit=1) for asked in questions if not asked.offset]
            total = measured(of_service, firsts, check, self.seconds) if firsts else None
        return Kind(name, service, floor, wrong, total)

    def throughput(
        self, paths: dict[str, tuple[v1_requests.Path, list[Question]]]
    ) -> Throughput | None:
        """Several clients at once, asking for full pages of every kind."""
        full = [
            (path(asked),)
            for path, questions in paths.values()
            for asked in questions
            if asked.length == asked.limit
        ]
        if not full:
            return None
        return together(self.base, self.token, spread(full), CLIENTS, self.seconds)
