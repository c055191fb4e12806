"""Measures releases: a contract's report over all images, building a release of all of them, and
how its members come, with the searches of the past beside (benchmarks.past).

All through HTTP, but for the memory of the worker, which is that of the `up` that runs here. The
data set stays, with its release retired; the contract goes.
"""

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import requests

from benchmarks import service
from benchmarks.changes import Refused
from benchmarks.corpus import Corpus
from benchmarks.past import Past
from benchmarks.stamp import Say
from benchmarks.timing import Times

POLL_SECONDS, MOST_SECONDS = 0.5, 3_600
LINES, READS, REPORTS = 100_000, 3, 5
RULES = 20


@dataclass(frozen=True)
class Releases:
    """One run against a service whose database this process reaches."""

    base: str
    token: str
    corpus: Corpus
    seconds: float
    say: Say

    def run(self) -> dict[str, Any]:
        """All figures: of the past and the contract in milliseconds, of the release in seconds."""
        past = Past(self.base, self.token, self.corpus, self.seconds, self.say).run()
        with closing(self.session):
            contract = self.contract()
            self.say(f"report of {RULES} rules: {contract['times']['median']} ms")
            with self.released() as (release, built):
                self.say(f"{release['members']} members in {built['seconds']} s")
                lines = [self.lines(release) for _ in range(READS)]
        return {"past": past, "contract": contract, "build": built, "members": _middle(lines)}

    @cached_property
    def session(self) -> requests.Session:
        session = requests.Session()
        if self.token:
            session.headers["Authorization"] = f"Bearer {self.token}"
        return session

    def asked(self, status: int, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """The answer to a request. Raises Refused where it is another than expected."""
        answer = self.session.request(method, self.base + path, json=body, timeout=600)
        if answer.status_code != status:
            raise Refused(f"{answer.status_code} instead of {status}: {answer.text[:300]}")
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    def contract(self) -> dict[str, Any]:
        """How long the report of a contract takes that bitmaps can judge, over all images."""
        path = f"/v1/contracts/benchmark-{uuid.uuid4()}"
        body = {"when": {"everything": True}, "rules": list(self.rules())}
        self.asked(201, "PUT", path, body)
        try:
            taken = []
            for _ in range(REPORTS):
                began = time.perf_counter()
                report = self.asked(200, "GET", f"{path}/report")
                taken.append((time.perf_counter() - began) * 1000)
        finally:
            self.asked(204, "DELETE", path)
        failures = sum(rule["failures"] for rule in report["rules"])
        return {
            "checked": report["checked"],
            "failures": failures,
            "times": Times(tuple(taken)).as_dict(),
        }

    def rules(self) -> Iterator[dict[str, Any]]:
        """Of every kind that names tags, some under a condition, about common tags."""
        names = [asked.tags[0] for asked in self.corpus.kinds["common_tag"]]
        for number in range(RULES):
            kind = ("exactly_one_of", "at_least_one_of", "none_of", "all_of")[number % 4]
            some = [names[(number * 5 + at) % len(names)] for at in range(4)]
            condition = {"if": some[3:]} if number % 3 == 0 or kind == "all_of" else {}
            yield {kind: some[:3]} | condition

    @contextmanager
    def released(self) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """A release of all images, and how its building went; it is retired at the end."""
        name = f"benchmark-{uuid.uuid4()}"
        self.asked(201, "POST", "/v1/datasets", {"name": name})
        began, before = time.perf_counter(), service.memory_of("worker")
        query = {"query": {"everything": True}, "unready": "exclude"}
        made = self.asked(202, "POST", f"/v1/datasets/{name}/releases", query)
        path = f"/v1/datasets/{name}/releases/{made['version']}"
        most = 0
        while (release := self.asked(200, "GET", path))["state"] == "building":
            if time.perf_counter() > began + MOST_SECONDS:
                raise Refused(f"{path} is not built after {MOST_SECONDS} s.")
            most = max(most, (service.memory_of("worker") or {"now": 0})["now"])
            time.sleep(POLL_SECONDS)
        seconds = time.perf_counter() - began
        if release["state"] != "released":
            raise Refused(f"{path}: {release['state']}: {release['problem']}")
        memory = {"before": before["now"], "most": most} if before else None
        figures = {"members": release["members"], "seconds": round(seconds, 2), "memory": memory}
        try:
            yield {**release, "path": path}, figures
        finally:
            self.asked(200, "POST", f"{path}/retire")

    def lines(self, release: dict[str, Any]) -> dict[str, float]:
        """Seconds until the first line of members has come, and until the last has, of a page."""
        began = time.perf_counter()
        url = f"{self.base}{release['path']}/members?limit={LINES}"
        with self.session.get(url, stream=True, timeout=600) as answer:
            if answer.status_code != 200:
                raise Refused(f"{answer.status_code}: {answer.text[:300]}")
            lines = answer.iter_lines(chunk_size=65_536)
            line, count = next(lines), 1
            first = time.perf_counter() - began
            for line in lines:  # noqa: B007  the last one is looked at
                count += 1
        last = time.perf_counter() - began
        wanted = min(LINES, release["members"])
        if count != wanted or not {"sha256", "url", "expires"} <= json.loads(line).keys():
            raise Refused(f"{count} lines instead of {wanted}, the last of them {line[:200]!r}")
        return {"lines": count, "first": round(first, 3), "last": round(last, 3)}


def _middle(runs: list[dict[str, float]]) -> dict[str, float]:
    """Of several runs the one that took a middling time."""
    return sorted(runs, key=lambda run: run["last"])[len(runs) // 2]
