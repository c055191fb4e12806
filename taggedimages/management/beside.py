"""Work that goes on beside other work of a process, each in threads with connections of their own,
so that none waits for another."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType

from django.conf import settings
from django.db import (
    DEFAULT_DB_ALIAS,
    DatabaseError,
    Error,
    InterfaceError,
    connection,
    connections,
)
from django.db.backends.base.base import BaseDatabaseWrapper

from taggedimages.postgresql.migrating import unfit

logger = logging.getLogger(__name__)

# For a thread to end, beyond the time after which its statement is cancelled.
MORE_SECONDS = 2
_used: set[BaseDatabaseWrapper] = set()


class Beside:
    """Threads that do some work round after round while the context is open.

    `work` says how much was done: where that is nothing, or less than `pressing`, the next round
    waits for SWEEP_SECONDS, or until `wake`. `began` is told that a thread, by its name, comes
    round. What fails but for the database is raised by `check`.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], int],
        began: Callable[[str], None],
        threads: int = 1,
        pressing: int = 1,
    ) -> None:
        self._work, self._began, self._pressing = work, began, pressing
        self._stop = threading.Event()
        self._due = threading.Condition()
        self._error: BaseException | None = None
        self._threads = [
            threading.Thread(target=self._run, name=f"{name} {number + 1}", daemon=True)
            for number in range(threads)
        ]

    def __enter__(self) -> "Beside":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self.wake()
        for thread in self._threads:
            thread.join(settings.STOP_SECONDS + MORE_SECONDS)

    def wake(self) -> None:
        """There is something to do."""
        with self._due:
            self._due.notify_all()

    def check(self) -> None:
        """Raise what ended a thread."""
        if self._error:
            raise self._error

    def _run(self) -> None:
        try:
            with used_connection():
                while not self._stop.is_set():
                    self._began(threading.current_thread().name)
                    if self._done() < self._pressing:
                        with self._due:
                            if not self._stop.is_set():
                                self._due.wait(settings.SWEEP_SECONDS)
        except BaseException as error:
            self._error = error
            logger.exception("A thread of the worker has failed.")

    def _done(self) -> int:
        try:
            return self._work()
        except (DatabaseError, InterfaceError) as error:
            told(error)
            return 0


@contextmanager
def used_connection() -> Iterator[None]:
    """Close the present thread's connection at the end; until then `cancel` knows it."""
    used = connections[DEFAULT_DB_ALIAS]
    _used.add(used)
    try:
        yield
    finally:
        _used.discard(used)
        used.close()


def cancel() -> None:
    """Break off the statements of all threads that use a connection."""
    for used in list(_used):
        with suppress(Exception):
            used.connection.cancel()


def told(error: Error) -> None:
    """Write down that the database failed, of which the next round has a new connection."""
    why = unfit(error) or error
    logger.warning("The database failed (%s); going on when it is back.", why)
    connection.close()
