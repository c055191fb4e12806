"""/healthz and /readyz: whether this process serves, and whether what it stands on does.

Each probe runs in a thread of its own, one at a time, so that whoever asks has an answer within a
second whatever hangs; those who ask while one is under way share it.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from functools import cache, partial
from threading import Lock, Thread

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connections
from django.http import HttpResponse, JsonResponse

from images import storage
from taggedimages.postgresql.base import answers_within

# How long an asker waits for a probe, and how long a probe itself waits for the database.
PROBE_SECONDS, DATABASE_SECONDS = 0.9, 2.0
OK, TIMEOUT = "ok", "timeout"
BUCKET = "bucket"
HEADERS = {"Cache-Control": "no-store"}


class Probe:
    """A question to something that may hang."""

    def __init__(self, name: str, ask: Callable[[], str]) -> None:
        self.name = name
        self._ask = ask
        self._lock = Lock()
        self._under_way: Future[str] | None = None

    def begin(self) -> "Future[str]":
        """The answer to come: `ok`, or what is wrong."""
        with self._lock:
            if self._under_way is None:
                self._under_way = Future()
                Thread(
                    target=self._run, args=[self._under_way], name=self.name, daemon=True
                ).start()
            return self._under_way

    def _run(self, answer: "Future[str]") -> None:
        try:
            state = self._ask()
        except Exception as error:  # noqa: BLE001
            state = type(error).__name__
        with self._lock:
            self._under_way = None
        answer.set_result(state)


@cache
def probes() -> dict[str, Probe]:
    """One of each database and one of the bucket, by alias and name."""
    aliases = [DEFAULT_DB_ALIAS, *settings.REPLICAS]
    found = {alias: Probe(f"probe of {alias}", partial(_ask_database, alias)) for alias in aliases}
    return found | {BUCKET: Probe("probe of the bucket", _ask_bucket)}


def alive() -> HttpResponse:
    """The answer to /healthz."""
    return JsonResponse({"status": OK}, headers=HEADERS)


def readiness() -> HttpResponse:
    """The answer to /readyz, within PROBE_SECONDS and some milliseconds."""
    until = time.monotonic() + PROBE_SECONDS
    asked = {name: probe.begin() for name, probe in probes().items()}
    return ready({name: _within(until, answer) for name, answer in asked.items()})


def ready(states: Mapping[str, str]) -> HttpResponse:
    """The answer to /readyz by what the probes said.

    A process whose primary is away still is of use as long as a replica answers.
    """
    database = states[DEFAULT_DB_ALIAS]
    if database != OK and any(states[alias] == OK for alias in settings.REPLICAS):
        database = "read-only"
    checks = {"database": database, "bucket": states[BUCKET]}
    failing = [name for name, state in checks.items() if state not in (OK, "read-only")]
    if not failing:
        return JsonResponse({"status": OK, **checks}, headers=HEADERS)
    message = f"Not ready: {', '.join(failing)}."
    answer = {"code": 503, "message": message, "status": "unavailable", **checks}
    return JsonResponse(answer, status=503, headers={"Retry-After": "2", **HEADERS})


def _within(until: float, answer: "Future[str]") -> str:
    try:
        return answer.result(max(0, until - time.monotonic()))
    except NotInTime:
        return TIMEOUT


def _ask_database(alias: str) -> str:
    try:
        with answers_within(DATABASE_SECONDS), connections[alias].cursor() as cursor:
            cursor.execute("SELECT 1 FROM images_image LIMIT 1")
    except (DatabaseError, InterfaceError) as error:
        return type(error).__name__
    finally:
        # The thread ends; its connection would stay.
        connections[alias].close()
    return OK


def _ask_bucket() -> str:
    try:
        storage.check_bucket()
    except storage.StorageUnavailable as error:
        return type(error).__name__
    return OK
