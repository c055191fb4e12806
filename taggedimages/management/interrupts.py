"""Ctrl-C and SIGTERM end a command at once, also one that waits for the database.

Python's handlers run between two steps of Python, and a statement is one step: whoever pressed
Ctrl-C would wait for a long one to its end. So a thread that hears of signals when they come has
the server cancel it.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Never

import psycopg2
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

# By a signal that ends a process, shells say 128 and its number.
INTERRUPTED, TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM


@contextmanager
def ends_at_once() -> Iterator[None]:
    """Have SIGINT raise KeyboardInterrupt and SIGTERM SystemExit, statements cancelled; what a
    command does of its own for one of them takes its place. In the main thread."""
    heard, told = os.pipe()
    os.set_blocking(told, False)
    before = signal.signal(signal.SIGTERM, _terminate)
    fd_before = signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    watcher = Thread(target=_cancel, args=(heard, connections[DEFAULT_DB_ALIAS]), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(fd_before)
        signal.signal(signal.SIGTERM, before)
        os.close(told)
        watcher.join()
        os.close(heard)


def _terminate(number: int, frame: object) -> Never:
    raise SystemExit(TERMINATED)


def _cancel(heard: int, database: BaseDatabaseWrapper) -> None:
    """Until the pipe is closed: cancel what the main thread asks of the database."""
    ending = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: _terminate}
    while number := os.read(heard, 1):
        handler = ending.get(signal.Signals(number[0]))
        if handler and signal.getsignal(number[0]) is handler and database.connection:
            # It may just have been closed.
            with suppress(psycopg2.Error):
                database.connection.cancel()
