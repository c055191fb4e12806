"""The real object store through a proxy that changes some of it: its clock, or what it takes."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

# Of a connection, and so not handed on.
HOP_BY_HOP = {"connection", "transfer-encoding", "date", "server", "content-length"}


@contextmanager
def proxied(
    endpoint_url: str, *, ahead: timedelta = timedelta(0), refused: dict[str, int] | None = None
) -> Iterator[str]:
    """The address of a proxy before a store whose clock is ahead by so much, and that answers these
    methods with a status in place of doing anything. Signatures hold: `Host` stays as it is."""
    target = urlsplit(endpoint_url)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65_537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if refused and self.command in refused:
                self.answer(refused[self.command], {}, b"")
                return
            assert target.hostname
            store = HTTPConnection(target.hostname, target.port, timeout=30)
            store.request(self.command, self.path, body, dict(self.headers.items()))
            told = store.getresponse()
            self.answer(told.status, dict(told.getheaders()), told.read())
            store.close()

        def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response_only(status)
            self.send_header("Date", format_datetime(datetime.now(UTC) + ahead, usegmt=True))
            for name, value in headers.items():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            length = headers.get("Content-Length", "0") if self.command == "HEAD" else len(body)
            if status != 204:
                self.send_header("Content-Length", str(length))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)
            self.wfile.flush()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
