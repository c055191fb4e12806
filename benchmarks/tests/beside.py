"""What the service's worker does, in a thread beside a test."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connection

# Does what is due, unless it is to stop; how much that was.
Sweep = Callable[[Callable[[], bool]], int]


@contextmanager
def beside(sweep: Sweep) -> Iterator[None]:
    """Have a sweep of the worker made again and again meanwhile."""
    end = threading.Event()

    def work() -> None:
        while not end.is_set():
            if not sweep(end.is_set):
                end.wait(0.05)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    end.set()
    thread.join()
