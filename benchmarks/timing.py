"""Times of many calls, honestly: warmed up first, each answer checked, nothing left out."""

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

# At least so many calls are measured, however long they take.
FEWEST = 10

# What is asked can be told apart.
Asked = TypeVar("Asked", bound=Hashable)
Replied = TypeVar("Replied")


@dataclass(frozen=True)
class Times:
    """How long each call took, in milliseconds."""

    taken: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.taken)

    @property
    def p95(self) -> float:
        """The time that one call in twenty exceeds."""
        return sorted(self.taken)[int(len(self.taken) * 0.95)]

    def as_dict(self) -> dict[str, float]:
        """For JSON."""
        figures = {"median": self.median, "p95": self.p95, "max": max(self.taken)}
        return {name: round(value, 3) for name, value in figures.items()} | {"n": len(self.taken)}


def measured(
    ask: Callable[[Asked], Replied],
    asked: Sequence[Asked],
    check: Callable[[Asked, Replied], None],
    seconds: float,
) -> Times:
    """Ask all once to warm up, then once more for the figures, each for at most so long."""
    _timed(ask, asked, lambda question, answer: None, seconds, fewest=1)
    return _timed(ask, asked, check, seconds, fewest=FEWEST)


def twice(
    ask: Callable[[Asked], Replied],
    asked: Sequence[Asked],
    check: Callable[[Asked, Replied], None],
    seconds: float,
) -> tuple[Times, Times]:
    """Ask each question once, then each of these again, each for at most so long.

    Of the first time, what is asked several times counts once.
    """
    fresh = list(dict.fromkeys(asked))
    first = _timed(ask, fresh, check, seconds, fewest=1)
    return first, _timed(ask, asked, check, seconds, fewest=FEWEST)


def spread(items: Sequence[Asked]) -> list[Asked]:
    """In an order that is even in all its parts, so that one cut short is still a fair sample."""
    return [items[at] for at in sorted(range(len(items)), key=lambda at: at * 0.618034 % 1)]


def _timed(
    ask: Callable[[Asked], Replied],
    asked: Sequence[Asked],
    check: Callable[[Asked, Replied], None],
    seconds: float,
    fewest: int,
) -> Times:
    taken = []
    until = time.perf_counter() + seconds
    for question in spread(asked):
        began = time.perf_counter()
        answer = ask(question)
        taken.append((time.perf_counter() - began) * 1000)
        check(question, answer)
        if time.perf_counter() > until and len(taken) >= fewest:
            break
    return Times(tuple(taken))


class Stopwatch:
    """Times of several steps that take turns, for so many seconds in all."""

    def __init__(self, seconds: float) -> None:
        self.until = time.perf_counter() + seconds
        self.taken: defaultdict[str, list[float]] = defaultdict(list)

    @contextmanager
    def timing(self, step: str) -> Iterator[None]:
        """Time one step."""
        began = time.perf_counter()
        yield
        self.taken[step].append((time.perf_counter() - began) * 1000)

    def times(self, step: str) -> Times:
        """Those of one step."""
        return Times(tuple(self.taken[step]))

    @property
    def is_over(self) -> bool:
        return time.perf_counter() > self.until
