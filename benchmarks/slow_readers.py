"""Measures pages beside readers of streams who take the first line and then nothing for a while.

A reader's connection has small buffers, so what the service has sent of its list soon fills them:
within seconds, in which it makes some of each list, and pages are measured as well. Some of the
readers go on at the end and have to get the rest, as if they had never stopped.
"""

import json
import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from benchmarks import v1_requests
from benchmarks.client import Request, together
from benchmarks.corpus import Corpus
from benchmarks.stamp import Say
from benchmarks.timing import spread

CLIENTS, RESUMED = 8, 3
# A stream has so many lines, or those of all images; the one that is read at once has fewer.
LINES, QUICK_LINES = 20_000, 1_000
BUFFER_BYTES = 4_096
TIMEOUT_SECONDS = 60
KINDS = ("common_tag", "rare_tag", "and2", "and3", "prefix", "tag_date", "first_page")


@dataclass(frozen=True)
class Reader:
    """One who has asked for a stream, and taken its first line; status 0: nothing came."""

    status: int
    answer: HTTPResponse | None
    connection: HTTPConnection

    def rest(self) -> list[bytes]:
        """All other lines."""
        return list(self.answer) if self.answer else []


@dataclass(frozen=True)
class SlowReaders:
    """One run against a service that holds a corpus."""

    base: str
    token: str
    corpus: Corpus
    readers: int
    seconds: float
    say: Say

    def run(self) -> dict[str, Any]:
        """Pages a second without readers and beside them, and how the streams fared."""
        requests = self.pages()
        together(self.base, self.token, requests, CLIENTS, self.seconds)
        before = together(self.base, self.token, requests, CLIENTS, self.seconds)
        self.say(f"{before.per_second:.0f} pages a second")
        with self.stalled() as stalled:
            statuses = Counter(reader.status for reader in stalled)
            self.say(f"{self.readers} readers have stopped: {dict(statuses)}")
            beginning = together(self.base, self.token, requests, CLIENTS, self.seconds)
            self.say(f"{beginning.per_second:.0f} pages a second while buffers fill")
            beside = together(self.base, self.token, requests, CLIENTS, self.seconds)
            self.say(f"{beside.per_second:.0f} pages a second beside them")
            quick = self.quick()
            wrong = list(self.resumed([one for one in stalled if one.status == 200][:RESUMED]))
        return {
            "readers": self.readers,
            "statuses": dict(statuses),
            "before": before.as_dict(),
            "beginning": beginning.as_dict(),
            "beside": beside.as_dict(),
            "quick": quick,
            "wrong": wrong,
        }

    def pages(self) -> list[Request]:
        """Full pages of several kinds."""
        kinds = [self.corpus.kinds.get(kind, []) for kind in KINDS]
        full = [asked for kind in kinds for asked in kind if asked.length]
        return spread([(v1_requests.search(asked),) for asked in full])

    @property
    def lines(self) -> int:
        """How many a stream has."""
        return min(LINES, self.corpus.size)

    @contextmanager
    def stalled(self) -> Iterator[list[Reader]]:
        """Readers who have stopped, all asked at once; they hang up at the end."""
        with ExitStack() as stack:
            with ThreadPoolExecutor(self.readers) as pool:
                found = list(pool.map(lambda _: self.reader(self.lines), range(self.readers)))
            for reader in found:
                stack.callback(reader.connection.close)
            yield found

    def reader(self, lines: int) -> Reader:
        """One who has read the first line."""
        where = urlsplit(self.base)
        assert where.hostname
        connection = HTTPConnection(where.hostname, where.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.sock = socket.socket()
            connection.sock.settimeout(TIMEOUT_SECONDS)
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
            connection.sock.connect((where.hostname, where.port or 80))
            headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
            connection.request("GET", f"/v1/images.ndjson?limit={lines}", headers=headers)
            answer = connection.getresponse()
            answer.readline()
        except (OSError, HTTPException):
            return Reader(0, None, connection)
        return Reader(answer.status, answer, connection)

    def quick(self) -> dict[str, Any]:
        """When the first and the last line come of a stream that is read at once, in seconds."""
        began = time.perf_counter()
        reader = self.reader(QUICK_LINES)
        first = time.perf_counter() - began
        try:
            lines = 1 + len(reader.rest())
        except (OSError, HTTPException):
            lines = 0
        finally:
            reader.connection.close()
        last = time.perf_counter() - began
        times = {"first": round(first, 3), "last": round(last, 3)}
        return {"status": reader.status, "lines": lines, **times}

    def resumed(self, readers: list[Reader]) -> Iterator[str]:
        """What is wrong with the streams of those who read on."""
        for reader in readers:
            try:
                lines = reader.rest()
            except (OSError, HTTPException) as error:
                yield f"a stream that was read on broke: {error!r}"
                continue
            if 1 + len(lines) != self.lines or (lines and "id" not in json.loads(lines[-1])):
                yield f"{1 + len(lines)} lines of {self.lines}, the last {lines[-1:]!r:.200}"
