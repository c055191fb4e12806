"""One create with its key, sent several times: what is sent, how, and what was answered."""

import json
import random
import threading
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from benchmarks.torture import files

TIMES = 2, 5
# Shares of the keys whose requests are sent at once, and of the requests that are cut.
AT_ONCE, CUT = 0.5, 0.25
# Records alone, files that come with the request, and uploads in parts: the last two ask the store.
KINDS = {"record": 85, "upload": 10, "parts": 5}
TIMEOUT_SECONDS = 30
# How long an answer is asked for: claims whose owner was killed last for a minute.
PATIENCE_SECONDS = 300
PAUSE_SECONDS = 0.1, 1.0
GOOD, LATER = {201}, {409, 503}


@dataclass(frozen=True)
class Answer:
    """What came back, and what the header says of whether it came before."""

    status: int
    body: bytes
    replayed: str
    retry_after: str


@dataclass
class Create:
    """A record that is to be made once, and the answers that its requests had."""

    number: int
    chance: random.Random
    answers: list[Answer] = field(default_factory=list)
    # By outcome: statuses, `cut` and `lost`.
    outcomes: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.filename = f"keyed-{self.number}.png"
        self.kind = self.chance.choices(list(KINDS), list(KINDS.values()))[0]
        key = f"{self.number}-{self.chance.getrandbits(64):x}"
        self.key = f'"{key}"' if self.chance.random() < 0.5 else key
        self.times = self.chance.randint(*TIMES)
        self.at_once = self.chance.random() < AT_ONCE
        self.cuts = [self.chance.random() < CUT for _ in range(self.times)]

    @property
    def path(self) -> str:
        """Where it is sent."""
        return "/v1/upload" if self.kind == "upload" else "/v1/images"

    def body(self) -> bytes:
        """The same each time."""
        told: dict[str, Any] = {"filename": self.filename, "tags": [f"tag {self.number % 50}"]}
        if self.kind == "upload":
            told["image_data"] = b64encode(
                files.noise("", random.Random(self.number)).body
            ).decode()
        if self.kind == "parts":
            told |= {"size": 12 * 1024**2, "parts": 2, "part_size": 6 * 1024**2}
        return json.dumps(told).encode()

    @property
    def good(self) -> list[Answer]:
        """The answers that say that it is made."""
        return [answer for answer in self.answers if answer.status in GOOD]

    def faults(self) -> list[str]:
        """What may not be: no answer, others than are told, two that differ, two that are first."""
        statuses = {answer.status for answer in self.answers} - GOOD - LATER
        silent = any(not one.retry_after for one in self.answers if one.status in LATER)
        firsts = sum(not answer.replayed for answer in self.good)
        found = {
            "never made": not self.good,
            f"answered {sorted(statuses)}": bool(statuses),
            "no Retry-After": silent,
            "answers differ": len({answer.body for answer in self.good}) > 1,
            f"{firsts} first answers": firsts > 1,
            "resigned": any(answer.replayed not in ("", "true") for answer in self.good),
        }
        return [f"{self.filename}: {fault}" for fault, is_so in found.items() if is_so]


class Sender:
    """Sends creates to a service that may be killed; each thread by a connection of its own."""

    def __init__(self, url: str, headers: Mapping[str, str], threads: Executor) -> None:
        where = urlsplit(url)
        self.host, self.port = where.hostname or "", where.port
        self.headers = {**headers, "Content-Type": "application/json"}
        self.threads = threads
        self.own = threading.local()

    def run(self, create: Create) -> None:
        """Send it as often as it says, then until it is answered, and once more."""
        body = create.body()

        def send(cut: bool) -> None:
            self.send(create, body, cut)

        if create.at_once:
            list(self.threads.map(send, create.cuts))
        else:
            for cut in create.cuts:
                send(cut)
        until = time.monotonic() + PATIENCE_SECONDS
        pause, longest = PAUSE_SECONDS
        while not create.good and time.monotonic() < until:
            send(False)
            if not create.good:
                time.sleep(pause)
                pause = min(2 * pause, longest)
        for _ in range(3):
            told = len(create.good)
            send(False)
            if len(create.good) > told:
                break

    def send(self, create: Create, body: bytes, cut: bool) -> None:
        """One request; with `cut`, nobody waits for its answer."""
        connection = self.connection()
        try:
            connection.request(
                "POST", create.path, body, {**self.headers, "Idempotency-Key": create.key}
            )
            if cut:
                connection.close()
                create.outcomes["cut"] += 1
                return
            told = connection.getresponse()
            answer = Answer(
                told.status,
                told.read(),
                told.headers.get("Idempotency-Replayed", ""),
                told.headers.get("Retry-After", ""),
            )
        except (OSError, HTTPException):
            connection.close()
            create.outcomes["lost"] += 1
            return
        create.answers.append(answer)
        again = f" {answer.replayed}" if answer.replayed else ""
        create.outcomes[f"{answer.status}{again}"] += 1

    def connection(self) -> HTTPConnection:
        """Of this thread; it is opened again by itself."""
        kept: HTTPConnection | None = getattr(self.own, "connection", None)
        if kept is None:
            kept = HTTPConnection(self.host, self.port, timeout=TIMEOUT_SECONDS)
            self.own.connection = kept
        return kept
