"""Where reads go: `reading()` says it, to Django's ORM and to raw SQL alike."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from taggedimages.transactions import LOCK_NOT_AVAILABLE, QUERY_CANCELED, sqlstate

# The statement's own end by its time limits, which it would meet anywhere.
OUT_OF_TIME = {QUERY_CANCELED, LOCK_NOT_AVAILABLE}


@dataclass
class Reading:
    """The reads of one request: from which database, and what became of them."""

    alias: str
    # The request has written, so that its own reads must follow to the primary.
    wrote: bool = False
    # The server failed: it went away, or gave its replaying precedence over a statement.
    failed: bool = False

    def watch(self, execute: Callable[..., Any], *statement: Any) -> Any:
        """Runs a statement (Django's execute_wrapper)."""
        try:
            return execute(*statement)
        except (OperationalError, InterfaceError) as error:
            self.failed |= sqlstate(error) not in OUT_OF_TIME
            raise


_reading: ContextVar[Reading | None] = ContextVar("reading", default=None)


def reading() -> str:
    """The alias of the database that the present code should read from.

    The primary's outside requests that only read, in a transaction there, and after a write.
    """
    now = _reading.get()
    if now is None or now.wrote or connections[DEFAULT_DB_ALIAS].in_atomic_block:
        return DEFAULT_DB_ALIAS
    return now.alias


def read_connection() -> BaseDatabaseWrapper:
    """The connection for SQL that only reads."""
    return connections[reading()]


@contextmanager
def reads(what: Reading) -> Iterator[None]:
    """Send reads there for a while."""
    token = _reading.set(what)
    try:
        with connections[what.alias].execute_wrapper(what.watch):
            yield
    finally:
        _reading.reset(token)


def resumed(what: Reading, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """A body that is made while it is sent, with its reads where they began."""
    remaining = iter(chunks)
    while True:
        with reads(what):
            chunk = next(remaining, None)
        if chunk is None:
            return
        yield chunk


class Router:
    """Tells Django."""

    def db_for_read(self, model: object, **hints: Any) -> str:
        return reading()

    def db_for_write(self, model: object, **hints: Any) -> str:
        if now := _reading.get():
            now.wrote = True
        return DEFAULT_DB_ALIAS

    def allow_relation(self, one: object, other: object, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == DEFAULT_DB_ALIAS
