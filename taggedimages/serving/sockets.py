"""Ends connections whose clients take nothing: granian has no deadline for writing.

A client is known by its address and port, and its socket found among the files of this process.
That takes a system call for each of these, and is done for many at once and rarely.
"""

import os
import select
import socket
from collections.abc import Collection, Iterator
from contextlib import suppress

# As ASGI tells of a client: address and port.
Client = tuple[str, str]


def hang_up(clients: Collection[Client], only_stuck: bool = False) -> int:
    """End the connections of these clients; `only_stuck`: where more cannot be sent to them.

    Returns how many were ended.
    """
    ended = 0
    for peer in _connections(clients):
        with peer, suppress(OSError):
            if not (only_stuck and _takes_more(peer)):
                peer.shutdown(socket.SHUT_RDWR)
                ended += 1
    return ended


def _connections(clients: Collection[Client]) -> Iterator[socket.socket]:
    """The sockets of these clients, each as a copy that has to be closed."""
    for descriptor in os.listdir("/dev/fd"):
        with suppress(OSError):
            # A copy, so that it is the same file for as long as it is looked at.
            copy = os.dup(int(descriptor))
            try:
                found = socket.socket(fileno=copy)
            except OSError:
                os.close(copy)
                continue
            if _client_of(found) in clients:
                yield found
            else:
                found.close()


def _client_of(connection: socket.socket) -> Client | None:
    try:
        host, port = connection.getpeername()[:2]
    except (OSError, ValueError):
        return None
    return host, str(port)


def _takes_more(peer: socket.socket) -> bool:
    poller = select.poll()
    poller.register(peer, select.POLLOUT)
    return bool(poller.poll(0))
