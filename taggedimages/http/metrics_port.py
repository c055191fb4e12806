"""The numbers of a process that serves nothing else, at a port of its own: the worker's."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from taggedimages.http import metrics
from taggedimages.monitoring.exposition import CONTENT_TYPE, exposition

# How long a client may take to ask, and to take its answer.
CLIENT_SECONDS = 10


class Server(ThreadingMixIn, WSGIServer):
    """A thread for each client, none of which keeps the process from ending."""

    daemon_threads = True


class Handler(WSGIRequestHandler):
    """Waits for no client for long, and writes no lines."""

    timeout = CLIENT_SECONDS

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: who scrapes does so for ever."""


@contextmanager
def served(host: str, port: int) -> Iterator[int]:
    """Answer /metrics there meanwhile; gives the port. Raises OSError where it is taken."""
    with make_server(host, port, answer, Server, Handler) as server:
        Thread(target=server.serve_forever, name="metrics", daemon=True).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()


def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """As a WSGI application."""
    if not (metrics.has_token(environ) or metrics.is_of_this_machine(environ)):
        start_response("401 Unauthorized", [("WWW-Authenticate", "Bearer")])
        return []
    if environ["PATH_INFO"] != metrics.PATH:
        start_response("404 Not Found", [])
        return []
    start_response("200 OK", [("Content-Type", CONTENT_TYPE)])
    return [exposition()]
