"""Measures a bulk change of all images: its plan, applying it, and taking it back, while others
search.

One tag comes to every image, and goes again. All goes through the API but the sizes of tables and
how many statements a batch takes, which are the service's own code in this process. The service's
worker does the work; searches are asked at an even pace before and meanwhile.
"""

import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from benchmarks.client import Answer, Client
from benchmarks.corpus import Corpus
from benchmarks.goals import QUIET
from benchmarks.load_beside import Beside, searches, watched_backlog
from benchmarks.stamp import Say
from benchmarks.timing import FEWEST
from images.models import Image
from images.visibility import Viewer
from search.query import Query
from taggedimages.changes import batches, lifecycle, operations
from taggedimages.changes.models import Change, State
from taggedimages.identity.authors import Author

POLL_SECONDS = 0.1
# What a state may turn into by itself.
UNDER_WAY = {"planning", "applying"}
# What a change adds to, with indexes: bytes of its lines, of links that it took away, of its sets.
TABLES = {"ledger": "tags_tagchange", "removed": "changes_removed", "sets": "changes_set"}
SIZES = """
SELECT pg_total_relation_size(name::regclass)
FROM unnest(%s) WITH ORDINALITY AS given (name, number) ORDER BY number
"""
# Images of the batches whose statements are counted.
BATCHES = (100, 2_000)


class Refused(Exception):
    """The service did not do what it was asked; the text is its answer."""


@dataclass
class Step:
    """One step of a change: how long it took, and by how many bytes which table grew."""

    seconds: float = 0
    grown: dict[str, int] = field(default_factory=dict)
    unindexed: int = 0

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "seconds": round(self.seconds, 2),
            "grown": self.grown,
            "unindexed": self.unindexed,
        }


@dataclass(frozen=True)
class BulkChange:
    """One run against a service whose database this process reaches."""

    base: str
    token: str
    corpus: Corpus
    # How long searches are asked before.
    seconds: float
    say: Say

    def run(self) -> dict[str, Any]:
        """Measure it all; the tag goes at the end, lines of the ledger stay."""
        steps: dict[str, Step] = {}
        asking = searches(self.base, self.token, self.corpus, self.seconds)
        with closing(self.client), asking as beside:
            with beside.during(QUIET):
                until = time.perf_counter() + self.seconds
                while time.perf_counter() < until or len(beside.taken[QUIET]) < FEWEST:
                    time.sleep(POLL_SECONDS)
            try:
                with self.timed("plan", beside, steps):
                    change = self.proposed({"add": [self.tag]})
                self.say_plan(change)
                with self.timed("apply", beside, steps):
                    applied = self.applied(change)
                with self.timed("plan of undo", beside, steps):
                    undo = self.undone(applied)
                with self.timed("undo", beside, steps):
                    taken_back = self.applied(undo)
            finally:
                self.forget_tag()
        return {
            "images": self.corpus.size,
            "links": change["plan"]["links_added"],
            "statements": {size: statements(size) for size in BATCHES},
            "steps": {name: step.as_dict() for name, step in steps.items()},
            "outcomes": {"apply": applied["progress"], "undo": taken_back["progress"]},
            "searches": beside.as_dict(),
            "wrong": beside.wrong[:20],
        }

    @cached_property
    def tag(self) -> str:
        return f"benchmark {uuid.uuid4()}"

    @cached_property
    def client(self) -> Client:
        return Client(self.base, self.token)

    def proposed(self, operation: dict[str, Any]) -> dict[str, Any]:
        """A change of all images, as soon as it is planned."""
        asked = {"everything": True, "query": {}, "operation": operation}
        return self.settled(self.client.ask("/v1/changes", "POST", asked), 202)

    def applied(self, change: dict[str, Any]) -> dict[str, Any]:
        """The change once it is applied. Raises Refused."""
        path = f"/v1/changes/{change['id']}/apply"
        answer = self.client.ask(path, "POST", {"digest": change["plan"]["digest"]})
        found = self.settled(answer, 202)
        if found["state"] != "applied":
            raise Refused(f"It is {found['state']}: {found['problem']}")
        return found

    def undone(self, change: dict[str, Any]) -> dict[str, Any]:
        """The change that takes it back, as soon as it is planned."""
        answer = self.client.ask(f"/v1/changes/{change['id']}/undo", "POST", {})
        return self.settled(answer, 201)

    def settled(self, answer: Answer, status: int) -> dict[str, Any]:
        """A change once it does not go on by itself. Raises Refused."""
        change = _expect(status, answer)
        while change["state"] in UNDER_WAY:
            time.sleep(POLL_SECONDS)
            change = _expect(200, self.client.ask(f"/v1/changes/{change['id']}"))
        return change

    @contextmanager
    def timed(self, what: str, beside: Beside, steps: dict[str, Step]) -> Iterator[None]:
        """Measure one step, with what searches take meanwhile."""
        step, before = Step(), _sizes()
        with watched_backlog() as backlog, beside.during(what):
            began = time.perf_counter()
            yield
            step.seconds = time.perf_counter() - began
        step.grown = {name: size - before[name] for name, size in _sizes().items()}
        step.unindexed = backlog.rows
        steps[what] = step
        self.say(f"{what}: {step.seconds:.1f} s")

    def say_plan(self, change: dict[str, Any]) -> None:
        plan = change["plan"]
        self.say(f"{plan['images']} images, {plan['links_added']} links to come")

    def forget_tag(self) -> None:
        """Delete what the change has made."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT id FROM tags_tag WHERE name = %s", [self.tag])
            for (tag,) in cursor.fetchall():
                self.client.ask(f"/v1/tags/{tag}", "DELETE")


def statements(size: int) -> int:
    """How many statements a batch of so many images takes, beginning and end included; nothing of
    it stays."""
    by = Author(None, "benchmarks", is_operator=True)
    ids = tuple(Image.objects.current().order_by("pk").values_list("pk", flat=True)[:size])
    operation = operations.proposed({"add": [f"benchmark {uuid.uuid4()}"]}, Viewer(audiences=None))
    with transaction.atomic():
        change = lifecycle.propose(operation, Query(ids=ids), by)
        Change.objects.filter(pk=change.pk).update(
            state=State.APPLYING, lease_owner=uuid.uuid4(), queued_at=Now()
        )
        change.refresh_from_db()
        batches.begin(change)
        with CaptureQueriesContext(connection) as captured:
            done = batches.apply_next(change, size)
        transaction.set_rollback(True)
    assert done == len(ids)
    return len(captured)


def _sizes() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(SIZES, [list(TABLES.values())])
        return dict(zip(TABLES, (size for (size,) in cursor.fetchall()), strict=True))


def _expect(status: int, answer: Answer) -> dict[str, Any]:
    if answer.status != status:
        raise Refused(f"{answer.status} instead of {status}: {answer.body[:300]!r}")
    found: dict[str, Any] = answer.json()
    return found
