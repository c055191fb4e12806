"""/healthz and /readyz: whether this process serves, and whether what it stands on does.

Each probe runs in a thread of its own, one at a time, so that whoever asks has an answer within a
second whatever hangs; those who ask while one is under way share it. What is not well and leaves
reads as they are is named in an answer that is 200 all the same: `degraded` (docs/serving.md).
"""

import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from functools import cache, partial
from threading import Lock, Thread
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpResponse, JsonResponse

from images import storage
from taggedimages import disk
from taggedimages.doctor.heartbeats import ARE_MISSED
from taggedimages.postgresql.base import answers_within
from taggedimages.postgresql.fragments import Fragment, statement
from taggedimages.postgresql.migrating import pending
from taggedimages.postgresql.replicas import COMMITS_HELD

# How long an asker waits for a probe, and how long a probe itself waits for the database.
PROBE_SECONDS, DATABASE_SECONDS = 0.9, 2.0
# Between two probes of a process that write to the bucket, as long as it takes what is written.
WRITE_SECONDS = 30
OK, TIMEOUT, READ_ONLY = "ok", "timeout", "read-only"
DATABASE, BUCKET, DISK, WORKER, THREADS = "database", "bucket", "disk", "worker", "threads"
# Without these, there is no use in a request to this process, unless it is `read-only`.
NEEDED = {DATABASE, BUCKET, THREADS}
# What whoever asks `/readyz?writes` wants: 503 also while writes fail, or are not dealt with.
WRITES = "writes"
HEADERS = {"Cache-Control": "no-store"}
# Parts and what is said of them: `ok`, or what is wrong.
States = dict[str, str]
# The schema is there; what the server or its role allows; whether a worker is missed.
LOOK = statement(
    """
SELECT EXISTS (SELECT FROM images_image),
       current_setting('transaction_read_only')::boolean OR ({commits_held}) > 0,
       {are_missed}
""",
    commits_held=Fragment(COMMITS_HELD),
    are_missed=ARE_MISSED,
)
LOOK_AT_REPLICA = statement("SELECT EXISTS (SELECT FROM images_image)")


class MigrationsPending(Exception):
    """The schema is of an earlier version than this process."""


class Probe:
    """A question to something that may hang."""

    def __init__(self, part: str, ask: Callable[[], States]) -> None:
        self.part = part
        self._ask = ask
        self._lock = Lock()
        self._under_way: Future[States] | None = None

    def begin(self) -> "Future[States]":
        """The answer to come, about its part and perhaps others."""
        with self._lock:
            if self._under_way is None:
                self._under_way = Future()
                title = f"probe of {self.part}"
                Thread(target=self._run, args=[self._under_way], name=title, daemon=True).start()
            return self._under_way

    def _run(self, answer: "Future[States]") -> None:
        try:
            states = self._ask()
        except Exception as error:  # noqa: BLE001
            states = {self.part: type(error).__name__}
        with self._lock:
            self._under_way = None
        answer.set_result(states)


@cache
def probes() -> list[Probe]:
    """One of each database, by alias, one of the bucket and one of the disk."""
    databases = [Probe(alias, partial(_ask_replica, alias)) for alias in settings.REPLICAS]
    return [
        Probe(DATABASE, _ask_database),
        *databases,
        Probe(BUCKET, Writing()),
        Probe(DISK, lambda: {DISK: "full" if disk.has_no_room() else OK}),
    ]


def alive() -> HttpResponse:
    """The answer to /healthz."""
    return JsonResponse({"status": OK}, headers=HEADERS)


def readiness(query: str) -> HttpResponse:
    """The answer to /readyz with this query, within PROBE_SECONDS and some milliseconds."""
    until = time.monotonic() + PROBE_SECONDS
    asked = [(probe.part, probe.begin()) for probe in probes()]
    states: States = {}
    for part, answer in asked:
        states |= _within(until, part, answer)
    return ready(states, query)


def leaving() -> HttpResponse:
    """The answer to /readyz of a process that is about to end."""
    answer = {"code": 503, "message": "Not ready: stopping.", "status": "stopping"}
    return JsonResponse(answer, status=503, headers=HEADERS)


def ready(states: Mapping[str, str], query: str = "") -> HttpResponse:
    """The answer to /readyz by what the probes said.

    A process whose primary is away still is of use as long as a replica answers. Database and
    bucket are always told of, all else where it is not well.
    """
    database = states[DATABASE]
    if database != OK and any(states[alias] == OK for alias in settings.REPLICAS):
        database = READ_ONLY
    checks = {DATABASE: database, BUCKET: states[BUCKET]}
    others = (DISK, WORKER, THREADS)
    checks |= {part: states[part] for part in others if states.get(part, OK) != OK}
    wrong = [part for part, state in checks.items() if state != OK]
    failing = [part for part in wrong if part in NEEDED and checks[part] != READ_ONLY]
    if query == WRITES:
        failing = wrong
    if not failing:
        status = "degraded" if wrong else OK
        return JsonResponse({"status": status, **checks}, headers=HEADERS)
    message = f"Not ready: {', '.join(failing)}."
    answer = {"code": 503, "message": message, "status": "unavailable", **checks}
    return JsonResponse(answer, status=503, headers={"Retry-After": "2", **HEADERS})


def _within(until: float, part: str, answer: "Future[States]") -> States:
    try:
        return answer.result(max(0, until - time.monotonic()))
    except NotInTime:
        return {part: TIMEOUT}


def _ask_database() -> States:
    _, is_read_only, are_missed = _row(DEFAULT_DB_ALIAS, LOOK)
    return {DATABASE: READ_ONLY if is_read_only else OK, WORKER: "away" if are_missed else OK}


def _ask_replica(alias: str) -> States:
    _row(alias, LOOK_AT_REPLICA)
    return {alias: OK}


def _row(alias: str, asked: Fragment) -> tuple[Any, ...]:
    """What a database answers. Raises DatabaseError, InterfaceError or MigrationsPending."""
    try:
        with answers_within(DATABASE_SECONDS), connections[alias].cursor() as cursor:
            if pending(connections[alias]):
                raise MigrationsPending
            cursor.execute(asked.text, asked.parameters)
            row: tuple[Any, ...] = cursor.fetchone()
            return row
    finally:
        # The thread ends; its connection would stay.
        connections[alias].close()


class Writing:
    """Asks whether the bucket answers, and now and then whether it takes what is written."""

    def __init__(self) -> None:
        self.tried_at = -math.inf
        self.state = OK

    def __call__(self) -> States:
        storage.check_bucket()
        now = time.monotonic()
        if self.state != OK or now > self.tried_at + WRITE_SECONDS:
            self.tried_at = now
            try:
                storage.check_writing()
                self.state = OK
            except storage.StorageUnavailable:
                self.state = READ_ONLY
        return {BUCKET: self.state}
