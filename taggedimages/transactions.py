"""One transaction, tried again when another request got in its way."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import (
    DatabaseError,
    Error,
    InterfaceError,
    OperationalError,
    connection,
    transaction,
)

P = ParamSpec("P")
R = TypeVar("R")

DEADLOCK, SERIALIZATION, FOREIGN_KEY, UNIQUE = "40P01", "40001", "23503", "23505"
DISK_FULL = "53100"
LOCK_NOT_AVAILABLE, QUERY_CANCELED = "55P03", "57014"
# What a concurrent writer causes and a second try does not meet again.
PASSING = {DEADLOCK, SERIALIZATION, FOREIGN_KEY, UNIQUE}
TRIES = 4


def sqlstate(error: Error) -> str:
    """PostgreSQL's five-letter code of an error, or ""."""
    return getattr(error.__cause__, "pgcode", None) or ""


def may_be_committed(error: Exception) -> bool:
    """Whether an error leaves open what became of its transaction: nobody answered any more."""
    return isinstance(error, OperationalError | InterfaceError) and not sqlstate(error)


def retried(operation: Callable[P, R]) -> Callable[P, R]:
    """Run a function in one transaction, up to four times if concurrent writers defeat it.

    Inside an outer transaction it is simply part of that: only the outermost can start afresh.
    """

    @wraps(operation)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if connection.in_atomic_block:
            return operation(*args, **kwargs)
        for _ in range(TRIES - 1):
            try:
                with transaction.atomic():
                    return operation(*args, **kwargs)
            except DatabaseError as error:
                if sqlstate(error) not in PASSING:
                    raise
        with transaction.atomic():
            return operation(*args, **kwargs)

    return run
