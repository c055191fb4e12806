"""Two services asked the same questions in alternating rounds, and whether they answer the same.

A machine is not equally quick at all times: what is asked of both within seconds can be compared
where two runs, one after the other, cannot. Both services have to be on one database that holds the
corpus, or on equal ones. All goes through HTTP, by one client.
"""

import random
import statistics
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from benchmarks import doors, v1_requests
from benchmarks.attacks.credentials import Caller
from benchmarks.client import Answer, Client, Request
from benchmarks.corpus import V1, Corpus, Question
from benchmarks.doors import DOORS, Door, Said
from benchmarks.stamp import Say
from benchmarks.timing import spread
from benchmarks.v1_requests import Wrong

# Each record that is made has so many of the commonest tags, in so many choices.
TAGS, COMMONEST, CHOICES = 12, 40, 20
POST = "POST with 12 tags"


@dataclass
class InTurn:
    """One kind of request: the times of each service in each round, and where answers differed."""

    name: str
    # Milliseconds: of A and of B, each question the first time that it is asked.
    first: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))
    # Milliseconds: of each round, of A and of B, each call.
    rounds: list[tuple[list[float], list[float]]] = field(default_factory=list)
    different: list[str] = field(default_factory=list)

    def median(self, side: int) -> float:
        """The median over rounds of the medians of one service, in milliseconds."""
        return statistics.median(self.medians(side))

    def medians(self, side: int) -> list[float]:
        """Of each round, in milliseconds."""
        return [statistics.median(times[side]) for times in self.rounds]

    def as_dict(self) -> dict[str, Any]:
        """For JSON; times in milliseconds."""
        a, b = self.median(0), self.median(1)
        return {
            "a": round(a, 3),
            "b": round(b, 3),
            "ratio": round(b / a, 3),
            "first": [round(statistics.median(side), 3) if side else None for side in self.first],
            "rounds": [[round(time, 3) for time in self.medians(side)] for side in (0, 1)],
            "calls": sum(len(times[0]) for times in self.rounds),
            "different": self.different,
        }


@dataclass(frozen=True)
class Alternation:
    """One run of two services against each other."""

    bases: tuple[str, str]
    token: str
    corpus: Corpus
    rounds: int
    # The most that a kind takes in a round on one side.
    seconds: float
    say: Say
    # All kinds, if empty; POST is one of them.
    only: frozenset[str] = frozenset()
    # Who knocks at each service's doors that open to nobody else.
    callers: tuple[Caller | None, Caller | None] = (None, None)

    def run(self) -> dict[str, Any]:
        """Measure all kinds of searches, then how records are made, which are deleted again."""
        with ExitStack() as stack:
            sides = [stack.enter_context(closing(Client(at, self.token))) for at in self.bases]
            found = [
                self._told(self._searches(name, sides, at, questions))
                for name, at, questions in self._kinds(sides)
            ]
            if self._is_wanted(POST):
                found.append(self._told(self._posts(sides)))
        kinds = {kind.name: kind.as_dict() for kind in found}
        return {"images": self.corpus.size, "bases": [*self.bases], "in_turn": kinds}

    def _is_wanted(self, kind: str) -> bool:
        return not self.only or kind in self.only

    def _told(self, kind: InTurn) -> InTurn:
        a, b = kind.median(0), kind.median(1)
        wrong = f", {kind.different[0]}" if kind.different else ""
        first = [f"{statistics.median(side):8.2f}" for side in kind.first if side]
        told = f"{a:8.2f} and {b:8.2f} ms, first {' and '.join(first)}, ratio {b / a:.2f}"
        self.say(f"{kind.name:34} {told}{wrong}")
        return kind

    def _kinds(
        self, sides: Sequence[Client]
    ) -> Iterator[tuple[str, tuple[Door, Door], list[Question]]]:
        """Each kind of search, by which door each side is asked, and the questions."""
        for name, questions in self.corpus.kinds.items():
            if self._is_wanted(name):
                yield name, (DOORS[V1], DOORS[V1]), questions
        for name in ("common_tag", "rare_tag"):
            questions = self.corpus.kinds.get(name, [])
            if questions and self._is_wanted(f"{name} by id"):
                a, b = (doors.by_id(_tag_ids(side, questions)) for side in sides)
                yield f"{name} by id", (a, b), questions
        wanted = {k: q for k, q in self.corpus.further_kinds.items() if self._is_wanted(k)}
        for name, questions in self._answerable(wanted, sides).items():
            door = DOORS[questions[0].door]
            yield name, (door, door), questions

    def _answerable(
        self, kinds: dict[str, list[Question]], sides: Sequence[Client]
    ) -> dict[str, list[Question]]:
        """Those that both services know, and let these callers ask."""
        for side, caller in zip(sides, self.callers, strict=True):
            if kinds:
                kinds = doors.answerable(kinds, [side], self.corpus, caller, self.say)
        return kinds

    def _searches(
        self, name: str, sides: Sequence[Client], at: tuple[Door, Door], questions: list[Question]
    ) -> InTurn:
        kind = InTurn(name)
        known: dict[Question, Said | str] = {}
        putting = [Putting(*side, self.token) for side in zip(sides, at, self.callers, strict=True)]

        def put(side: Putting, taken: list[float], asked: Question) -> None:
            said = side.put(taken, asked)
            if said != known.setdefault(asked, said) or isinstance(said, str):
                both = f"{str(said)[:120]} after {str(known[asked])[:120]}"
                kind.different.append(f"{side.request(asked)[0]}: {both}")

        chosen: list[Question] = []
        began = time.perf_counter()
        # As many questions as take no longer than a round may.
        for asked in spread(questions):
            is_new = asked not in known
            for side, taken in zip(putting, kind.first, strict=True):
                put(side, taken if is_new else [], asked)
            chosen.append(asked)
            if time.perf_counter() - began > self.seconds * len(sides):
                break
        for _ in range(self.rounds):
            times: tuple[list[float], list[float]] = ([], [])
            for side, taken in zip(putting, times, strict=True):
                for asked in chosen:
                    put(side, taken, asked)
            kind.rounds.append(times)
        return kind

    def _posts(self, sides: Sequence[Client]) -> InTurn:
        kind = InTurn(POST)
        names = [asked.tags[0] for asked in self.corpus.kinds["common_tag"][:COMMONEST]]
        chance = random.Random(1)
        choices = [chance.sample(names, min(TAGS, len(names))) for _ in range(CHOICES)]
        with _deleted_at_end(sides, self.say) as made:
            for number in range(self.rounds + 1):
                times: tuple[list[float], list[float]] = ([], [])
                for side, taken, ids in zip(sides, times, made, strict=True):
                    until = time.perf_counter() + self.seconds
                    for at in count():
                        answer = _timed(taken, side, "/v1/images", _record(choices[at % CHOICES]))
                        if answer.status != 201:
                            kind.different.append(f"{answer.status}: {answer.body[:200]!r}")
                            break
                        ids.append(answer.json()["id"])
                        if time.perf_counter() > until:
                            break
                # The first round warms up.
                if number:
                    kind.rounds.append(times)
        return kind


@contextmanager
def _deleted_at_end(sides: Sequence[Client], say: Say) -> Iterator[list[list[int]]]:
    """Lists of the ids of the records that each side makes meanwhile."""
    made: list[list[int]] = [[] for _ in sides]
    try:
        yield made
    finally:
        say(f"{sum(map(len, made))} records are being deleted")
        for side, ids in zip(sides, made, strict=True):
            for image in ids:
                side.ask(f"/v1/images/{image}", "DELETE")


def _record(tags: list[str]) -> dict[str, Any]:
    return {"filename": f"benchmark-{uuid.uuid4()}.png", "tags": tags}


def _timed(taken: list[float], side: Client, path: str, body: Any = None) -> Answer:
    """Ask, and note how many milliseconds it took."""
    began = time.perf_counter()
    answer = side.ask(path, "POST" if body else "GET", body)
    taken.append((time.perf_counter() - began) * 1000)
    return answer


@dataclass(frozen=True)
class Putting:
    """One service at one door, and who knocks there."""

    client: Client
    door: Door
    caller: Caller | None
    token: str

    def request(self, asked: Question) -> Request:
        """How a question is put."""
        return self.door.request(asked, self.caller)

    def put(self, taken: list[float], asked: Question) -> Said | str:
        """What is said, which both services have to say alike; a text where it is wrong."""
        path, *more = self.request(asked)
        method, body = more or ("GET", None)
        headers = self.door.headers(self.token, self.caller)
        began = time.perf_counter()
        answer = self.client.ask(path, method, body, headers)
        taken.append((time.perf_counter() - began) * 1000)
        try:
            return doors.check(asked, answer)
        except Wrong as error:
            return str(error)


def _tag_ids(side: Client, questions: Sequence[Question]) -> dict[str, int]:
    """A service's ids of the tags in questions, as its records show them."""
    found: dict[str, int] = {}
    for asked in questions:
        if asked.tags[0] not in found:
            answer = side.ask(v1_requests.search(replace(asked, limit=1)))
            for record in answer.json()["results"] if answer.status == 200 else []:
                found |= {tag["name"]: tag["id"] for tag in record["tags"]}
    # Of a tag that nobody has there is no such list; the answers will tell.
    return {asked.tags[0]: found.get(asked.tags[0], 0) for asked in questions}
