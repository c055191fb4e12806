"""A change that a command plans and applies itself, beside the worker or without one.

Both hold a change by its lease, so that it does not matter who is at it.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.db import DatabaseError, InterfaceError, connection

from taggedimages.changes import lifecycle, planning, worker
from taggedimages.changes.models import Change, State
from taggedimages.changes.refusals import WrongState
from taggedimages.changes.standing import with_standing

PAUSE_SECONDS = 0.2
# How often in a row the database may fail.
FAILURES = 10

# Is told how a change stands.
Tell = Callable[[Change], None]


def planned(change: Change) -> Change:
    """The change as soon as it is planned, by whomever. Raises what planning does."""
    pause = threading.Event()
    while change.state == State.PLANNING:
        with suppress(planning.Unsettled):
            planning.plan(change.pk)
        change = now(change)
        if change.state == State.PLANNING:
            pause.wait(PAUSE_SECONDS)
    return change


def applied(change: Change, tell: Tell) -> Change:
    """The change as soon as it does not go on: applied, failed, or stopped, as Ctrl-C has it.

    Raises what the database does where it fails again and again.
    """
    failures = 0
    with _interrupts() as interrupted:
        while True:
            try:
                change = now(change)
                tell(change)
                if change.state != State.APPLYING:
                    return change
                if interrupted.is_set():
                    # Applied by now, or stopped by somebody else: so it is told.
                    with suppress(WrongState):
                        lifecycle.stop(change.pk)
                    return now(change)
                if not worker.apply_some(interrupted.is_set, worker.WORKER):
                    interrupted.wait(PAUSE_SECONDS)
                failures = 0
            except (DatabaseError, InterfaceError):
                failures += 1
                if failures >= FAILURES:
                    raise
                connection.close()
                interrupted.wait(PAUSE_SECONDS * failures)


def now(change: Change) -> Change:
    """The change as it stands by now."""
    return with_standing(Change.objects.filter(pk=change.pk)).get()


@contextmanager
def _interrupts() -> Iterator[threading.Event]:
    """What Ctrl-C and SIGTERM set, in place of ending the process amid a batch; the second time
    they do end it."""
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interrupted
        return
    before: dict[int, Any] = {}

    def set_once(number: int, frame: object) -> None:
        interrupted.set()
        signal.signal(number, before[number])

    for each in (signal.SIGINT, signal.SIGTERM):
        before[each] = signal.signal(each, set_once)
    try:
        yield interrupted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
