"""A limit for several statements together, beside the one that each has for itself."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper


@contextmanager
def ends_within(milliseconds: int, connection: BaseDatabaseWrapper) -> Iterator[None]:
    """All that a connection is asked meanwhile ends by then, or fails as by a statement timeout.

    0 is no limit. Within a transaction there is none either: it would last beyond.
    """
    until = time.monotonic() + milliseconds / 1000

    def bounded(execute: Callable[..., Any], statement: str, *more: Any) -> Any:
        left = max(1, round((until - time.monotonic()) * 1000))
        # In one message with the statement, of which it also is the transaction.
        return execute(f"SET LOCAL statement_timeout = {left};\n{statement}", *more)

    if not milliseconds or connection.in_atomic_block:
        yield
        return
    with connection.execute_wrapper(bounded):
        yield
