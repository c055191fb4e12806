"""Bounds what a request waits for a database that neither answers nor hangs up.

A statement timeout is kept by the server, and a stopped or unreachable server keeps none. So in
processes that serve requests (settings.DATABASE_ANSWER_SECONDS) the driver waits here, and looks
after a while whether the server still greets others. Elsewhere it waits as ever: commands may take
long.
"""

import math
import select
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

import psycopg2
from django.conf import settings
from django.db.backends.postgresql import base
from psycopg2 import extensions

# A pooled connection that is asked whether it lives, before each request.
LIVENESS_SECONDS = 1.0
# What a client may ask before it logs in, and any server answers: whether it takes SSL.
GREETING = struct.pack("!ii", 8, 80_877_103)
# By when the present code wants its answers, on the monotonic clock.
_deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's wrapper; a probe of a kept connection gets less time than a statement."""

    health_check_done: bool

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        return super().get_new_connection(conn_params | {"connection_factory": Connection})

    def close_if_health_check_failed(self) -> None:
        """Ask a kept connection whether it lives where it gives a reason; asking takes time."""
        kept = self.connection
        if (
            not self.health_check_done
            and isinstance(kept, Connection)
            and not kept.has_pending_data()
        ):
            self.health_check_done = True
        super().close_if_health_check_failed()

    def is_usable(self) -> bool:
        if not isinstance(self.connection, Connection):
            return super().is_usable()
        self.connection.timeout = min(LIVENESS_SECONDS, settings.DATABASE_ANSWER_SECONDS)
        try:
            return super().is_usable()
        finally:
            if self.connection:
                self.connection.timeout = settings.DATABASE_ANSWER_SECONDS


class Connection(extensions.connection):
    """A psycopg2 connection that knows how long an answer may take, in seconds."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # The driver's own limit does not hold where `wait` waits for it.
        self.timeout: float = settings.DATABASE_CONNECT_SECONDS
        self.established = False
        # What postgresql.prepared knows of this connection.
        self.prepared: dict[str, bool] = {}
        super().__init__(*args, **kwargs)
        self.established = True
        self.timeout = settings.DATABASE_ANSWER_SECONDS

    def has_pending_data(self) -> bool:
        """Whether bytes of an idle server wait to be read: when it hangs up, and rarely else.

        One that neither answers nor hangs up is noticed by the next statement's wait.
        """
        if self.closed:
            return True
        poller = select.poll()
        poller.register(self.fileno(), select.POLLIN)
        return bool(poller.poll(0))


@contextmanager
def answers_within(seconds: float) -> Iterator[None]:
    """Give servers so long for all that they are asked meanwhile, connecting included."""
    token = _deadline.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


def wait(connection: extensions.connection) -> None:
    """Wait for the server until the connection's timeout ends. Raises OperationalError."""
    began = time.monotonic()
    timeout = getattr(connection, "timeout", settings.DATABASE_ANSWER_SECONDS)
    until = min(began + timeout, _deadline.get())
    poller = select.poll()
    while (state := connection.poll()) != extensions.POLL_OK:
        wanted = select.POLLIN if state == extensions.POLL_READ else select.POLLOUT
        poller.register(connection.fileno(), wanted)
        left = max(0, until - time.monotonic())
        if poller.poll(min(left, LIVENESS_SECONDS) * 1000):
            continue
        if left <= LIVENESS_SECONDS or not greets_others(connection):
            waited = time.monotonic() - began
            raise psycopg2.OperationalError(f"The database has not answered in {waited:.0f} s.")


def greets_others(connection: extensions.connection) -> bool:
    """Whether the server of a statement that takes long still greets new clients.

    One that is stopped, or whose host is gone, does not; True where it cannot be tried.
    """
    host, port = connection.info.host, connection.info.port
    if not getattr(connection, "established", False) or host.startswith("/"):
        return True
    with suppress(OSError), socket.create_connection((host, port), LIVENESS_SECONDS) as other:
        other.sendall(GREETING)
        return bool(other.recv(1))
    return False


if settings.DATABASE_ANSWER_SECONDS:
    extensions.set_wait_callback(wait)
