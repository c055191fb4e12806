"""A web server process that a test can talk to over HTTP, with an environment of its own."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from taggedimages.engines.state import CHECKOUT

# One thread, so that the connection to the database is a kept one.
SERVER = """
from wsgiref.simple_server import make_server
from taggedimages.wsgi import application

server = make_server("127.0.0.1", 0, application)
print(server.server_port, flush=True)
server.serve_forever()
"""


@contextmanager
def serving(environment: Mapping[str, str], count: int = 1) -> Iterator[list[str]]:
    """The base URLs of so many server processes, ended with the context."""
    with ExitStack() as stack:
        processes = [stack.enter_context(_launched(environment)) for _ in range(count)]
        for process in processes:
            stack.callback(process.terminate)
        yield [f"http://127.0.0.1:{_port(process)}" for process in processes]


def _launched(environment: Mapping[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", SERVER],
        env={**environment, "TAGGEDIMAGES_SERVES_REQUESTS": "true"},
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _port(process: "subprocess.Popen[str]") -> int:
    assert process.stdout
    return int(process.stdout.readline())
