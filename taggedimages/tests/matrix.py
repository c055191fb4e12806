"""How the tables of the access matrix are read; `test_access.py` says what they mean."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from taggedimages.tests.access import STATES, Subject, ask


@dataclass(frozen=True)
class Row:
    """A route of a table, and what each caller is told of an image in each state."""

    method: str
    path: str
    body: str
    expected: dict[str, dict[str, str]]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def told(self, headers: dict[str, str], subjects: dict[str, Subject]) -> dict[str, str]:
        """What a caller is told: the status, and whether the image shows."""
        answers: dict[tuple[str, str], Any] = {}
        seen = {}
        for state, subject in subjects.items():
            request = subject.fill(self.path), subject.fill(self.body)
            answer = answers.get(request) or ask(self.method, *request, headers)
            answers[request] = answer
            seen[STATES[state]] = f"{answer.status}{subject.marks_in(answer.body)}"
        return seen


def rows(table: str, refusal: str) -> Iterator[Row]:
    """The routes of a table."""
    callers, routes = table.strip("\n").split("\n\n")
    head, *lines = callers.splitlines()
    start = re.search(r"\S", head)
    assert start
    audiences = {
        line[: start.start()].strip(): dict(
            zip(head.split(), line[start.start() :].split(), strict=True)
        )
        for line in lines
    }
    for line in routes.splitlines():
        method, path, audience, yes, no, *body = line.split(maxsplit=5)
        expected = {
            caller: answers(cells[audience], yes, no, refusal)
            for caller, cells in audiences.items()
        }
        yield Row(method, path, "".join(body), expected)


def answers(cell: str, yes: str, no: str, refusal: str) -> dict[str, str]:
    """What a cell says of each state.

    >>> answers("p,n=409", "200+", "404", "")["not uploaded"]
    '409'
    """
    if cell.isdecimal() or cell == "*":
        return dict.fromkeys(STATES.values(), yes if cell == "*" else cell)
    told = dict.fromkeys(STATES.values(), no)
    for group in cell.strip("-").split(","):
        letters, _, own = group.partition("=")
        answer = own or (refusal if letters.endswith("!") else yes)
        told |= {STATES[letter]: answer for letter in letters.removesuffix("!")}
    return told
