"""Bounds what a request waits for a database that neither answers nor hangs up.

A statement timeout is kept by the server, and a stopped or unreachable server keeps none. So in
processes that serve requests (settings.DATABASE_ANSWER_SECONDS) the driver waits here, and looks
after a while whether the server still greets others. Who has waited in vain tells the other threads
of the process, which then do not wait at all. Elsewhere it waits as ever: commands may take long.
"""

import math
import select
import socket
import struct
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from threading import Lock, get_ident
from typing import Any, NamedTuple

import psycopg2
from django.conf import settings
from django.db import Error, OperationalError
from django.db.backends.postgresql import base
from django.db.backends.utils import CursorWrapper
from psycopg2 import extensions

from taggedimages.monitoring import series

# A pooled connection that is asked whether it lives, before each request.
LIVENESS_SECONDS = 1.0
# What a client may ask before it logs in, and any server answers: whether it takes SSL.
GREETING = struct.pack("!ii", 8, 80_877_103)
# How long nobody asks a server that was waited for in vain, and how long one may then take who
# looks whether it is back.
REST_SECONDS, SCOUT_SECONDS = 1.0, 4.0
# By when the present code wants its answers, on the monotonic clock.
_deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)


class Hope:
    """What the threads of a process know of something: whether there is use in waiting for it."""

    def __init__(self) -> None:
        self.is_lost = False
        self._lock = Lock()
        # Who looks whether it is back, and when another may.
        self._scout: int | None = None
        self._next_at = 0.0

    def check(self) -> None:
        """Raise OperationalError where it is lost, but for one thread at a time.

        Who has said how long it will wait (`answers_within`) may always ask.
        """
        if not self.is_lost or _deadline.get() < math.inf:
            return
        with self._lock:
            if self._scout == get_ident():
                return
            if time.monotonic() < self._next_at:
                raise OperationalError("The database has not answered others.")
            self._scout, self._next_at = get_ident(), time.monotonic() + SCOUT_SECONDS

    def lose(self) -> None:
        """It was waited for in vain; not where the caller itself gave it little time."""
        if _deadline.get() == math.inf:
            with self._lock:
                self.is_lost, self._scout = True, None
                self._next_at = time.monotonic() + REST_SECONDS

    def regain(self) -> None:
        """It was not waited for in vain."""
        if self.is_lost:
            with self._lock:
                self.is_lost, self._scout = False, None


class Server(NamedTuple):
    """One alias's: of letting us in, which a stopped postmaster ends, and of answering."""

    connecting: Hope
    answering: Hope

    def lose(self, established: bool) -> None:
        """It neither answers nor greets others; or it did not let us in."""
        self.connecting.lose()
        if established:
            self.answering.lose()

    def regain(self, established: bool) -> None:
        """It has answered; or it has let us in."""
        self.answering.regain()
        if not established:
            self.connecting.regain()


# By alias.
_servers: defaultdict[str, Server] = defaultdict(lambda: Server(Hope(), Hope()))


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's wrapper; a probe of a kept connection gets less time than a statement."""

    health_check_done: bool

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        server = _servers[self.alias]
        server.connecting.check()
        factory = partial(Connection, server)
        return super().get_new_connection(conn_params | {"connection_factory": factory})

    def create_cursor(self, name: str | None = None) -> Any:
        _servers[self.alias].answering.check()
        return super().create_cursor(name)

    def make_cursor(self, cursor: Any) -> CursorWrapper:
        return TimedCursor(cursor, self)

    def _commit(self) -> None:
        began = time.perf_counter()
        try:
            super()._commit()  # type: ignore[misc]  # unknown to stubs
        finally:
            series.sql_took("COMMIT", time.perf_counter() - began)

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


class TimedCursor(CursorWrapper):
    """Django's wrapper of a cursor, which tells what each statement took.

    The server is told of the end of its own cursors, of `iterator()`; where that fails, Django lets
    the driver's error pass, which nobody who expects Django's would know.
    """

    def execute(self, sql: Any, params: Any = None) -> Any:
        began = time.perf_counter()
        try:
            return super().execute(sql, params)
        finally:
            series.sql_took(sql, time.perf_counter() - began)

    def executemany(self, sql: Any, param_list: Any) -> Any:
        began = time.perf_counter()
        try:
            return super().executemany(sql, param_list)
        finally:
            series.sql_took(sql, time.perf_counter() - began)

    def close(self) -> None:
        with self.db.wrap_database_errors:
            self.cursor.close()

    def __exit__(self, *raised: object) -> None:
        # As Django's does with the driver's errors.
        with suppress(Error):
            self.close()


class Connection(extensions.connection):
    """A psycopg2 connection that knows how long an answer may take, in seconds."""

    def __init__(self, server: Server, *args: Any, **kwargs: Any) -> None:
        self.server = server
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


def wait(connection: "Connection") -> None:
    """Wait for the server until the connection's timeout ends. Raises OperationalError."""
    began = time.monotonic()
    until = min(began + connection.timeout, _deadline.get())
    # Whether it hangs is asked of a server that has let us in, and not in a caller's short time.
    may_be_asked = connection.established and until < _deadline.get()
    poller = select.poll()
    while (state := connection.poll()) != extensions.POLL_OK:
        wanted = select.POLLIN if state == extensions.POLL_READ else select.POLLOUT
        poller.register(connection.fileno(), wanted)
        left = max(0, until - time.monotonic())
        if poller.poll(min(left, LIVENESS_SECONDS) * 1000):
            continue
        is_over = left <= LIVENESS_SECONDS
        hangs = not greets_others(connection) if may_be_asked else is_over
        if hangs:
            connection.server.lose(connection.established)
        if hangs or is_over:
            waited = time.monotonic() - began
            raise psycopg2.OperationalError(f"The database has not answered in {waited:.0f} s.")
    connection.server.regain(connection.established)


def greets_others(connection: "Connection") -> bool:
    """Whether the server of a statement that takes long still greets new clients.

    One that is stopped, or whose host is gone, does not.
    """
    with suppress(OSError), _reached(connection.info.host, connection.info.port) as other:
        other.sendall(GREETING)
        return bool(other.recv(1))
    return False


def _reached(host: str, port: int) -> socket.socket:
    if not host.startswith("/"):
        return socket.create_connection((host, port), LIVENESS_SECONDS)
    local = socket.socket(socket.AF_UNIX)
    local.settimeout(LIVENESS_SECONDS)
    try:
        local.connect(f"{host}/.s.PGSQL.{port}")
    except OSError:
        local.close()
        raise
    return local


if settings.DATABASE_ANSWER_SECONDS:
    extensions.set_wait_callback(wait)
