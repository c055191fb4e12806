"""Measures writes: new records beside their own statements in SQL, and what happens to a record.

All records that are made here have one filename, by which they are found and deleted at the end.
"""

import random
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import psycopg2
from django.db import connection
from django.db.models import Max
from django.test import Client as InProcess

from benchmarks import inside
from benchmarks.client import Answer, Caller, Client, Throughput, at_once, together
from benchmarks.recording import Recording, Script, record, script
from benchmarks.stamp import Say
from benchmarks.timing import Stopwatch
from images import deletion
from images.models import Image
from taggedimages.factories import make_png, send

CLIENTS = 8
# Each record has so many of the commonest tags, and there are so many choices of them.
TAGS, COMMONEST, CHOICES = 12, 40, 20
# Records whose file is sent, whose tags are replaced, and which are deleted.
FEWEST_RECORDS, MOST_RECORDS = 10, 200
STEPS = ("complete", "PUT tags", "DELETE")


class Refused(Exception):
    """The service did not do what it was asked; the text is its answer."""


@dataclass(frozen=True)
class Writes:
    """One run against a service whose database this process reaches."""

    base: str
    token: str
    # How long each side makes records, and the most that the other steps take together.
    seconds: float
    say: Say

    def run(self) -> dict[str, Any]:
        """Measure it all, and delete what was made."""
        with self.cleared():
            scripts = self.scripts()
            plain = self.statements(scripts)
            self.say(f"{plain.per_second:.0f} records a second in SQL")
            posts = together(self.base, self.token, self.posts, CLIENTS, self.seconds)
            self.say(f"{posts.per_second:.0f} records a second through HTTP")
            steps = self.steps()
        return {
            "tags": TAGS,
            "posts": posts.as_dict(),
            "sql": plain.as_dict(),
            "statements": len(scripts[0].statements),
            "share": round(posts.per_second / plain.per_second, 3),
            "steps": {step: steps.times(step).as_dict() for step in STEPS},
        }

    @cached_property
    def filename(self) -> str:
        return f"benchmark-{uuid.uuid4()}.png"

    @cached_property
    def choices(self) -> list[list[str]]:
        """Some common tags, in several ways."""
        names = list(inside.common_tags(COMMONEST, TAGS))
        chance = random.Random(1)
        return [chance.sample(names, TAGS) for _ in range(CHOICES)]

    @cached_property
    def posts(self) -> list[tuple[str, str, Any]]:
        """The requests that make a record with each choice of tags."""
        return [
            ("/v1/images", "POST", {"filename": self.filename, "tags": tags})
            for tags in self.choices
        ]

    def scripts(self) -> list[Script]:
        """What each of the requests comes to in SQL, as the code that runs here does it."""
        self.recorded(self.posts[0])
        return [script(self.recorded(post), self.recorded(post)) for post in self.posts]

    def recorded(self, post: tuple[str, str, Any]) -> Recording:
        """A request that is answered in this process."""
        path, _, body = post
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}

        def made() -> int:
            answer = InProcess(headers=headers).post(path, body, content_type="application/json")
            _expect(201, Answer(answer.status_code, answer.content))
            return int(answer.json()["id"])

        with inside.served():
            return record(made)

    def statements(self, scripts: list[Script]) -> Throughput:
        """Several connections that run the scripts at once."""
        with ExitStack() as stack:
            callers = [stack.enter_context(_runner(scripts)) for _ in range(CLIENTS)]
            return at_once(callers, len(scripts), self.seconds)

    def steps(self) -> Stopwatch:
        """Records from their making to their end, one after the other."""
        watch = Stopwatch(self.seconds)
        file = make_png(8, 8)
        with closing(Client(self.base, self.token)) as client:
            for number in range(MOST_RECORDS):
                made = _expect(201, client.ask(*self.posts[number % CHOICES])).json()
                path = f"/v1/images/{made['id']}"
                if send(made["upload_url"], file) != 200:
                    raise Refused("The store did not take a file.")
                other = {"tags": self.choices[(number + 1) % CHOICES]}
                with watch.timing("complete"):
                    completed = client.ask(f"{path}/complete", "POST", {})
                _expect(200, completed)
                with watch.timing("PUT tags"):
                    tagged = client.ask(path, "PUT", other)
                _expect(200, tagged)
                with watch.timing("DELETE"):
                    deleted = client.ask(path, "DELETE")
                _expect(204, deleted)
                if watch.is_over and number + 1 >= FEWEST_RECORDS:
                    break
        return watch

    @contextmanager
    def cleared(self) -> Iterator[None]:
        """Delete all records that are made meanwhile, as a caller of the API would."""
        last = Image.objects.aggregate(last=Max("pk"))["last"] or 0
        try:
            yield
        finally:
            made = Image.objects.filter(pk__gt=last, filename=self.filename)
            self.say(f"{deletion.delete_all(made)} records deleted")
            # Nothing was sent, so the worker has nothing to look for.
            made.filter(uploaded_at=None).update(check_at=None)


@contextmanager
def _runner(scripts: list[Script]) -> Iterator[Caller]:
    with closing(psycopg2.connect(**connection.get_connection_params())) as connected:
        connected.autocommit = True
        cursor = connected.cursor()

        def run(at: int) -> int:
            try:
                scripts[at].run(cursor)
            except psycopg2.Error:
                cursor.execute("ROLLBACK")
                return 0
            return 201

        yield run


def _expect(status: int, answer: Answer) -> Answer:
    if answer.status != status:
        raise Refused(f"{answer.status} instead of {status}: {answer.body[:300]!r}")
    return answer
