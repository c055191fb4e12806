"""Measures tags by the million: lists of them, completion of names, searches by patterns."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import jwt

from benchmarks import goals, throwaway
from benchmarks.client import Answer, Client
from benchmarks.corpus import Corpus
from benchmarks.generating import generate
from benchmarks.goals import Found
from benchmarks.service import web_memory
from benchmarks.stamp import Say
from benchmarks.timing import measured

# So many images use the tags; what is measured are the tags.
IMAGES = 20_000
QUESTIONS = 40
TERMS = 20
LIMIT = 100


@dataclass(frozen=True)
class Kind:
    """Requests of one kind; `within` is the goal for the median, in milliseconds."""

    paths: list[str]
    within: float | None = None
    signed: bool = False


@dataclass(frozen=True)
class ManyTags:
    """One run against a service with the tags of a corpus; `token` is one of /api/v1."""

    base: str
    token: str
    corpus: Corpus
    seconds: float

    def run(self) -> dict[str, Any]:
        """Ask all kinds; times, and how often which status was answered."""
        names = [line.split(",", 1)[1] for line in self.corpus.tags.read_text().splitlines()]
        found = {name: self.ask(kind) for name, kind in kinds(names).items()}
        return {"tags": len(names), "kinds": found}

    def ask(self, kind: Kind) -> dict[str, Any]:
        """One kind, each question once to warm up and once for the figures."""
        statuses: list[int] = []

        def note(path: str, answer: Answer) -> None:
            statuses.append(answer.status)

        with closing(Client(self.base, self.token if kind.signed else "")) as client:
            times = measured(client.ask, kind.paths, note, self.seconds)
        found = [took for took, status in zip(times.taken, statuses, strict=True) if status == 200]
        return {
            "times": times.as_dict(),
            # A refusal by the statement limit takes as long as that is.
            "longest": round(max(found, default=0), 3),
            "statuses": dict(Counter(statuses)),
            "within": kind.within,
        }


def measure(tags: int, seconds: float, say: Say) -> Found:
    """Load so many tags into a service of their own, and measure."""
    with throwaway.folder_for_a_while() as folder, throwaway.service() as up:
        corpus = generate(IMAGES, folder, tags=tags)
        throwaway.benchmarks(up.data, "load", str(folder))
        credentials = json.loads(throwaway.manage(up.data, "credentials", "benchmark"))
        say(f"{tags} tags are loaded.")
        found = ManyTags(up.url, token(credentials), corpus, seconds).run()
        return {"vocabulary": found, "web_memory": web_memory(up.data)}


def token(credentials: dict[str, str]) -> str:
    """A token of /api/v1 from what `manage.py credentials` prints."""
    return jwt.encode({"iss": credentials["secret_id"]}, credentials["secret"], "HS256")


def kinds(names: list[str]) -> dict[str, Kind]:
    """The requests, made from parts of the names that there are."""
    chance = random.Random(1)
    last = max(0, (len(names) - 1) // LIMIT)

    def parts(length: int, count: int = QUESTIONS, *, first: bool = False) -> list[str]:
        """So many parts of names, of this length."""
        found = []
        for name in chance.choices(names, k=count):
            start = 0 if first else chance.randrange(max(1, len(name) - length + 1))
            found.append(name[start : start + length])
        return found

    def twenty(pattern: str, length: int, *, first: bool = False) -> list[list[str]]:
        return [
            [pattern.format(part) for part in parts(length, TERMS, first=first)]
            for _ in range(QUESTIONS)
        ]

    def each(pattern: str, texts: list[str]) -> list[list[str]]:
        return [[pattern.format(text)] for text in texts]

    def listed(pages: Iterator[int]) -> list[str]:
        return [f"/v1/tags?limit={LIMIT}&page={page}" for page in pages]

    def completed(texts: list[str]) -> list[str]:
        return [f"/api/v1/tags/autocomplete?{urlencode({'q': text})}" for text in texts]

    tags, prefix = goals.TAGS_MS, goals.PREFIX_MS
    deep = (chance.randint(last // 2, last) for _ in range(QUESTIONS))
    return {
        "tags, first page": Kind(listed(iter([0] * QUESTIONS)), tags),
        "tags, deep pages": Kind(listed(deep), tags),
        "completion, 5 letters": Kind(completed(parts(5)), tags, signed=True),
        "completion, 3 letters": Kind(completed(parts(3)), tags, signed=True),
        "completion, 1 letter": Kind(completed(parts(1)), tags, signed=True),
        "prefix, 5 letters": Kind(_searches(each("{}%", parts(5, first=True))), prefix),
        "prefix, 3 letters": Kind(_searches(each("{}%", parts(3, first=True))), prefix),
        "prefix, 1 letter": Kind(_searches(each("{}%", parts(1, first=True))), prefix),
        "infix, 4 letters": Kind(_searches(each("%{}%", parts(4)))),
        "infix, 2 letters": Kind(_searches(each("%{}%", parts(2)))),
        "infix, 1 letter": Kind(_searches(each("%{}%", parts(1)))),
        "suffix, 3 letters": Kind(_searches(each("%{}", parts(3)))),
        "20 prefixes of 3": Kind(_searches(twenty("{}%", 3, first=True))),
        "20 infixes of 3": Kind(_searches(twenty("%{}%", 3))),
        "20 infixes of 1": Kind(_searches(twenty("%{}%", 1))),
        "one pattern of 20 parts": Kind(
            _searches([[f"%{'%'.join(parts(1, TERMS))}%"] for _ in range(QUESTIONS)])
        ),
    }


def _searches(patterns: list[list[str]]) -> list[str]:
    return [
        f"/v1/search/images?{urlencode({'match_tags': '|'.join(several), 'limit': LIMIT})}"
        for several in patterns
    ]
