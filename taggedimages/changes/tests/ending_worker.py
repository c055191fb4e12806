"""Run as a process: a worker that applies changes by few images, and ends before some statement.

`python -m taggedimages.changes.tests.ending_worker SIGNAL NUMBER`: the statement has this number,
commits counted along. SIGNAL is KILL or STOP; after a STOP it goes on, once it is told to.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import django

django.setup()

from django.db import DatabaseError, InterfaceError, connection  # noqa: E402

from taggedimages.changes import batches, worker  # noqa: E402

# Lets others take over soon.
LEASE, IDLE_MS = timedelta(seconds=1), 700


def main(name: str, number: str) -> None:
    """Work until there is nothing to do for a second, if it gets as far."""
    batches.LEASE, batches.IDLE_MS = LEASE, IDLE_MS
    worker.MOST_SIZE = 3
    options = connection.settings_dict["OPTIONS"]
    options["options"] += f" -c idle_in_transaction_session_timeout={IDLE_MS}"
    left = int(number)

    def count() -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.Signals[f"SIG{name}"])

    def counted(execute: Callable[..., Any], *statement: Any) -> Any:
        count()
        return execute(*statement)

    wrapper: Any = connection
    commit = wrapper._commit

    def counted_commit() -> Any:
        count()
        return commit()

    wrapper._commit = counted_commit
    with connection.execute_wrapper(counted):
        idle_since = time.monotonic()
        while time.monotonic() < idle_since + 1:
            try:
                if worker.sweep():
                    idle_since = time.monotonic()
            except (DatabaseError, InterfaceError):
                connection.close()
            time.sleep(0.05)


if __name__ == "__main__":
    main(*sys.argv[1:])
