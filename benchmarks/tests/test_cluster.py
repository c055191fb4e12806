"""A cluster on loopback: its balancer, its databases that fail over, and all of it tortured."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg2
import pytest
import requests

from benchmarks.cluster.balancer import may_be_asked_again, route, told
from benchmarks.cluster.databases import Pair
from benchmarks.cluster.hosts import EVERY, network
from taggedimages.engines import state
from taggedimages.engines.state import CHECKOUT
from taggedimages.engines.tests.conftest import eventually, without_engines


class Host(ThreadingHTTPServer):
    """A host behind a balancer."""

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.name = name
        self.asked: list[str] = []
        # The path at which it hangs up, and the status of its health.
        self.breaks, self.health = "", 200


class Handler(BaseHTTPRequestHandler):
    """Tells who it is, who called, and how much was sent."""

    protocol_version = "HTTP/1.1"
    server: Host

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append(f"{self.command} {self.path}")
        if self.path == self.server.breaks:
            self.connection.close()
            return
        told = f"{self.server.name} {self.headers['X-Forwarded-For']} {len(body)}".encode()
        self.send_response(self.server.health if self.path == "/readyz" else 200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    do_GET = do_POST = do_PUT = answer  # noqa: N815

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@contextmanager
def host(name: str) -> Iterator[Host]:
    server = Host(name)
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def balancing(*ports: int) -> Iterator[str]:
    """The URL of a balancer in front of these."""
    port, places = state.free_port(), ",".join(f"127.0.0.1:{one}" for one in ports)
    words = ["-m", "benchmarks.cluster.balancer", f"127.0.0.1:{port}/readyz={places}"]
    command = [sys.executable, *words]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE) as running:
        try:
            assert running.stdout
            running.stdout.readline()
            yield f"http://127.0.0.1:{port}"
        finally:
            running.kill()


@pytest.fixture(scope="module")
def balanced() -> Iterator[tuple[str, Host, Host]]:
    """The balancer's URL, and two hosts behind it."""
    with (
        host("first") as first,
        host("second") as second,
        balancing(first.server_port, second.server_port) as url,
    ):
        yield url, first, second


def test_hosts_take_turns_and_are_told_who_calls(balanced):
    url, *_ = balanced
    # A host is asked once it was found to be well.
    assert eventually(lambda: len({requests.get(f"{url}/a").text for _ in range(2)}) == 2)
    answers = [requests.get(f"{url}/a").text for _ in range(4)]
    assert sorted(answers) == ["first 127.0.0.1 0"] * 2 + ["second 127.0.0.1 0"] * 2


def test_a_body_arrives_whole_with_or_without_leave_to_send_it(balanced):
    url, *_ = balanced
    for headers in ({}, {"Expect": "100-continue"}):
        sent = requests.put(f"{url}/a", data=b"x" * 300_000, headers=headers)
        assert sent.text.endswith(" 300000")


def test_a_read_that_a_host_breaks_off_is_asked_of_another(balanced):
    url, first, _ = balanced
    first.breaks = "/broken"
    assert {requests.get(f"{url}/broken").text for _ in range(4)} == {"second 127.0.0.1 0"}
    assert "GET /broken" in first.asked


def test_a_write_that_a_host_breaks_off_is_asked_of_nobody_else(balanced):
    """It may have been done."""
    url, first, second = balanced
    first.breaks = second.breaks = "/once"
    with pytest.raises(requests.ConnectionError):
        requests.post(f"{url}/once", data=b"x")
    assert len([line for one in (first, second) for line in one.asked if "/once" in line]) == 1


def test_a_host_that_is_not_well_is_asked_for_nothing_until_it_is(balanced):
    url, first, _ = balanced

    def asked() -> set[str]:
        return {requests.get(f"{url}/a").text.split()[0] for _ in range(4)}

    first.health = 503
    assert eventually(lambda: asked() == {"second"})
    first.health = 200
    assert eventually(lambda: asked() == {"first", "second"})


def test_who_reaches_no_host_is_told_so_and_when_to_ask_again():
    with balancing(state.free_port()) as url:
        answer = requests.post(url, data=b"x")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


def test_a_head_is_handed_on_without_what_is_between_two_neighbours():
    head = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nX-Forwarded-For: lie\r\n\r\n"
    handed = told(head, "X-Forwarded-For: 10.0.0.9")
    assert handed == (
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Forwarded-For: 10.0.0.9\r\n\r\n"
    )
    assert may_be_asked_again(head)
    assert not may_be_asked_again(b"GET / HTTP/1.1\r\nContent-Length: 2\r\n\r\n")
    assert not may_be_asked_again(b"DELETE / HTTP/1.1\r\n\r\n")
    assert route("127.0.0.1:80/readyz=10.0.0.1:81").health == "/readyz"


def test_a_promoted_replica_has_every_row_that_was_acknowledged(tmp_path):
    """And so has its successor, by the same URL."""
    hosts = network()
    pair = Pair("records", tmp_path, (hosts.address(1), hosts.address(2)), state.free_port(EVERY))
    try:
        acknowledged = write(pair, 0)
        for _ in range(2):
            dead = pair.primary
            dead.kill()
            pair.promote()
            assert {n for (n,) in pair.primary.sql("SELECT n FROM kept")} >= set(acknowledged)
            pair.replace_replica()
            assert pair.primary is not dead
            acknowledged += write(pair, len(acknowledged))
    finally:
        pair.kill()


def write(pair: Pair, first: int) -> list[int]:
    """Rows that were acknowledged through the URL of both."""
    connection = psycopg2.connect(pair.url)
    numbers = list(range(first, first + 50))
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
    for number in numbers:
        with connection, connection.cursor() as cursor:
            cursor.execute("INSERT INTO kept VALUES (%s)", [number])
    connection.close()
    return numbers


@pytest.mark.skipif("CLUSTER_ROUNDS" not in os.environ, reason="CLUSTER_ROUNDS says how many")
def test_nothing_acknowledged_is_lost_whichever_host_dies():
    """Two minutes of two processors for a round."""
    rounds = os.environ["CLUSTER_ROUNDS"]
    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "benchmarks.cluster",
            f"--rounds={rounds}",
            "--clients=3",
            "--prove",
        ],
        env=without_engines(),
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "losses                 0" in ran.stdout
    assert "MISSED" not in ran.stdout
