"""A client of the service over one connection that is kept, and many of them at once."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from benchmarks.timing import Times

TIMEOUT_SECONDS = 60

# Does the thing of this number; the HTTP status that it comes to.
Caller = Callable[[int], int]


@dataclass(frozen=True)
class Answer:
    """What came back; `status` is 0 where nothing did."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Throughput:
    """What several clients got through together."""

    clients: int
    seconds: float
    times: Times
    statuses: dict[int, int]

    @property
    def per_second(self) -> float:
        return len(self.times.taken) / self.seconds

    @property
    def errors(self) -> int:
        return sum(count for status, count in self.statuses.items() if not 200 <= status < 300)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        figures = {"clients": self.clients, "per_second": round(self.per_second, 1)}
        return {**figures, "errors": self.errors, "times": self.times.as_dict()}


class Client:
    """One caller; its requests come one after the other."""

    def __init__(
        self, base: str, token: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        where = urlsplit(base)
        assert where.hostname, base
        self.connection = HTTPConnection(where.hostname, where.port, timeout=TIMEOUT_SECONDS)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.headers |= headers or {}

    def close(self) -> None:
        """Hang up."""
        self.connection.close()

    def ask(
        self,
        path: str,
        method: str = "GET",
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request, with a body of JSON where there is one; `headers` instead of its own."""
        headers, data = dict(self.headers if headers is None else headers), None
        if body is not None:
            data = json.dumps(body).encode()
            headers = headers | {"Content-Type": "application/json"}
        try:
            self.connection.request(method, path, data, headers)
            answer = self.connection.getresponse()
            return Answer(answer.status, answer.read())
        except (OSError, HTTPException) as error:
            self.connection.close()
            return Answer(0, repr(error).encode())


# What `Client.ask` takes: a path, and perhaps method and body.
Request = tuple[str] | tuple[str, str, Any]


def together(
    base: str, token: str, requests: Sequence[Request], clients: int, seconds: float
) -> Throughput:
    """So many clients going round the requests for so long, from different places in them."""
    with ExitStack() as stack:
        several = [stack.enter_context(closing(Client(base, token))) for _ in range(clients)]
        callers = [partial(_status, client, requests) for client in several]
        return at_once(callers, len(requests), seconds)


def _status(client: Client, requests: Sequence[Request], at: int) -> int:
    return client.ask(*requests[at]).status


def at_once(callers: Sequence[Caller], things: int, seconds: float) -> Throughput:
    """So many callers going round so many things for so long, from different places in them."""
    taken: list[float] = []
    statuses: Counter[int] = Counter()
    began = time.perf_counter()

    def work(number: int, caller: Caller) -> None:
        at = number * things // len(callers)
        while (start := time.perf_counter()) < began + seconds:
            status = caller(at % things)
            taken.append((time.perf_counter() - start) * 1000)
            statuses[status] += 1
            at += 1

    threads = [threading.Thread(target=work, args=[*each]) for each in enumerate(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Throughput(
        len(callers), time.perf_counter() - began, Times(tuple(taken)), dict(statuses)
    )
