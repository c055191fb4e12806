"""A dependency that can be taken away: a port in front of a real server.

Open, it passes bytes on; closed, it refuses connections; silent, it takes them and never answers,
like a stopped process or a network that swallows packets.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Gate:
    """A port of this machine in front of `host:port`; starts open."""

    def __init__(self, host: str, port: int) -> None:
        self.target = host, port
        self.passing = threading.Event()
        self.ends: set[socket.socket] = set()
        self.listener: socket.socket | None = None
        self.port = 0
        self.open()

    def open(self) -> None:
        """Pass bytes on."""
        self.passing.set()
        if self.listener is None:
            self.listener = socket.create_server(("127.0.0.1", self.port))
            self.port = self.listener.getsockname()[1]
            threading.Thread(target=self._accept, args=[self.listener], daemon=True).start()

    def close(self) -> None:
        """Refuse connections, and cut those that there are."""
        if self.listener:
            # Wakes the thread that waits in accept.
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
            self.listener = None
        for end in tuple(self.ends):
            _cut(end)

    def silence(self) -> None:
        """Take connections and bytes, and pass nothing on."""
        self.open()
        self.passing.clear()

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Closed for a while."""
        self.close()
        try:
            yield
        finally:
            self.open()

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Silent for a while."""
        self.silence()
        try:
            yield
        finally:
            self.open()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(self.target)
                self.ends |= {near, far}
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self.passing.wait()
                target.sendall(data)
        _cut(target)
        self.ends.discard(source)
        source.close()


def _cut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
