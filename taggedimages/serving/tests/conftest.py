"""A web front in processes of its own, on the test's database and bucket, behind gates."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
import requests
from django.conf import settings

from taggedimages.engines.state import CHECKOUT, free_port
from taggedimages.tests.gates import Gate
from taggedimages.tests.servers import reaching

# What the tests of a module share; deadlines are short, so that tests can wait for them.
SHORT = {
    "TAGGEDIMAGES_WEB_PROCESSES": "1",
    "TAGGEDIMAGES_WEB_THREADS": "2",
    "TAGGEDIMAGES_HEAD_SECONDS": "1",
    "TAGGEDIMAGES_BODY_SECONDS": "1",
    "TAGGEDIMAGES_QUEUE_SECONDS": "2",
    "TAGGEDIMAGES_SEND_SECONDS": "1",
    "TAGGEDIMAGES_MAX_STREAMS": "1",
    "TAGGEDIMAGES_STATEMENT_TIMEOUT_MS": "4000",
}


@dataclass
class Front:
    """A running web front."""

    process: "subprocess.Popen[bytes]"
    port: int
    kept: list[socket.socket] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def workers(self) -> list[psutil.Process]:
        return list(psutil.Process(self.process.pid).children())

    def connect(self, head: bytes = b"", buffer: int = 0) -> socket.socket:
        """A connection on which this was sent; closed with the test."""
        peer = socket.socket()
        self.kept.append(peer)
        if buffer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
            # Else the system would have megabytes on the way, so large are packets to itself.
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1024)
        peer.settimeout(10)
        peer.connect(("127.0.0.1", self.port))
        peer.sendall(head)
        return peer

    def ask(self, raw: bytes) -> bytes:
        """All that comes back for some bytes, until the server ends the connection."""
        return read_all(self.connect(raw))

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        url = self.url + path
        return requests.request(method, url, timeout=20, allow_redirects=False, **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.request("GET", path, **options)


def read_all(peer: socket.socket) -> bytes:
    """What a connection gives to its end."""
    pieces = []
    while piece := peer.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


@contextmanager
def running(environment: Mapping[str, str]) -> Iterator[Front]:
    """A web front with this environment, ended with the context."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "taggedimages.serving", f"--port={port}"],
        env=environment,
        cwd=CHECKOUT,
        stdout=subprocess.DEVNULL,
    )
    front = Front(process, port)
    try:
        until = time.monotonic() + 30
        while not answers(front):
            assert time.monotonic() < until
            assert process.poll() is None
            time.sleep(0.1)
        yield front
    finally:
        process.terminate()
        process.wait(30)


def answers(front: Front) -> bool:
    """Whether it serves."""
    try:
        return front.get("/healthz").status_code == 200
    except requests.RequestException:
        return False


@contextmanager
def opened_gates() -> Iterator[tuple[Gate, Gate]]:
    """Before the database, and before the store."""
    database = settings.DATABASES["default"]
    store = urlsplit(settings.S3_ENDPOINT_URL)
    both = (
        Gate(database["HOST"], int(database["PORT"])),
        Gate(store.hostname or "", store.port or 80),
    )
    yield both
    for gate in both:
        gate.close()


def through(gates: tuple[Gate, Gate]) -> dict[str, str]:
    """What a process needs to reach database and store through the gates."""
    return reaching(gates[0].port, gates[1].port) | {
        "TAGGEDIMAGES_ANONYMOUS": "open",
        "TAGGEDIMAGES_HTTPS": "false",
        "TAGGEDIMAGES_SERVES_REQUESTS": "true",
    }


@pytest.fixture(scope="module")
def gates() -> Iterator[tuple[Gate, Gate]]:
    """Those of a module's tests."""
    with opened_gates() as both:
        yield both


@pytest.fixture(scope="module")
def environment(gates, django_db_setup) -> dict[str, str]:
    """That of processes behind them."""
    return through(gates)


@pytest.fixture(scope="module")
def shared(environment) -> Iterator[Front]:
    """The front of a module's tests."""
    with running(environment | SHORT) as front:
        yield front


@pytest.fixture
def front(shared: Front, gates) -> Iterator[Front]:
    """The same, with its gates open and without connections that an earlier test left."""
    for gate in gates:
        gate.open()
    yield shared
    while shared.kept:
        shared.kept.pop().close()
