"""A network that changes what it carries: a port in front of a real HTTP server, on whose way a bit
of every body is flipped, or every body is cut off."""

import socket
import threading
from collections import deque
from contextlib import contextmanager, suppress

REQUESTS, ANSWERS = "requests", "answers"


class Flips:
    """A port of this machine in front of `host:port`; at first all goes through as it is."""

    def __init__(self, host, port):
        self.target = host, port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.flipping, self.flipped = set(), {REQUESTS: 0, ANSWERS: 0}
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    @contextmanager
    def of(self, *ways):
        """Flip a bit of each body that goes these ways, for a while."""
        self.flipping = set(ways)
        try:
            yield self
        finally:
            self.flipping = set()

    def _accept(self):
        with suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near):
        with near, socket.create_connection(self.target) as far:
            methods: deque[bytes] = deque()
            answers = threading.Thread(target=self._carry, args=(ANSWERS, far, near, methods))
            answers.start()
            self._carry(REQUESTS, near, far, methods)
            answers.join()

    def _carry(self, way, source, target, methods):
        with suppress(OSError, ValueError), source.makefile("rb") as stream:
            while self._message(way, stream, target, methods):
                pass
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _message(self, way, stream, target, methods):
        lines = []
        while (line := stream.readline()) not in (b"\r\n", b""):
            lines.append(line)
        if not lines:
            return False
        first = lines[0].split()
        if way == REQUESTS:
            methods.append(first[0])
        target.sendall(b"".join(lines) + b"\r\n")
        if way == REQUESTS:
            has_body = True
        elif first[1] == b"100":
            return True
        else:
            has_body = methods.popleft() != b"HEAD" and first[1] not in (b"204", b"304")
        headers = {
            name: value.strip()
            for name, value in (line.lower().rstrip().partition(b":")[::2] for line in lines[1:])
        }
        if not has_body:
            return True
        if headers.get(b"transfer-encoding") == b"chunked":
            self._chunks(way, stream, target)
        elif length := int(headers.get(b"content-length", 0)):
            self._body(way, stream, target, length)
        return True

    def _body(self, way, stream, target, length, flip=True):
        position, done = length // 2, 0
        while done < length:
            piece = bytearray(stream.read1(min(65536, length - done)))
            if not piece:
                raise ValueError("cut off")
            if flip and way in self.flipping and done <= position < done + len(piece):
                piece[position - done] ^= 1
                self.flipped[way] += 1
            target.sendall(piece)
            done += len(piece)

    def _chunks(self, way, stream, target):
        first = True
        while True:
            line = stream.readline()
            target.sendall(line)
            length = int(line.split(b";")[0], 16)
            self._body(way, stream, target, length, flip=first)
            first = False
            target.sendall(stream.readline())
            if not length:
                return
