"""Connections of this process, ended by their clients' addresses."""

import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from taggedimages.serving.sockets import hang_up

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A connection: the server's end, and the client's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    with server, client:
        yield server, client


def address(client: socket.socket) -> tuple[str, str]:
    host, port = client.getsockname()
    return host, str(port)


def fill(server: socket.socket) -> None:
    """Send until nothing more is taken."""
    server.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            server.send(bytes(65536))


def test_a_client_is_found_by_its_address(pair: Pair) -> None:
    server, client = pair
    assert hang_up({("127.0.0.1", "1")}) == 0
    assert hang_up({address(client)}) == 1
    assert client.recv(1) == b""
    with pytest.raises(BrokenPipeError):
        server.send(b"more")


def test_only_who_takes_nothing_is_ended(pair: Pair) -> None:
    server, client = pair
    assert hang_up({address(client)}, only_stuck=True) == 0
    server.send(b"more")
    assert client.recv(4) == b"more"
    fill(server)
    assert hang_up({address(client)}, only_stuck=True) == 1
