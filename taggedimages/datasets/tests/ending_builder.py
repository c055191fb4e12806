"""Run as a process: a worker that builds releases, and is killed before some statement.

`python -m taggedimages.datasets.tests.ending_builder NUMBER`: the statement has this number,
commits counted along; 0: it comes to its end.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import django

django.setup()

from django.db import connection  # noqa: E402

from taggedimages.datasets import building  # noqa: E402


def main(number: str) -> None:
    """Build what there is to build, if it gets as far."""
    left = int(number)

    def count() -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

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
        while building.sweep():
            pass


if __name__ == "__main__":
    main(*sys.argv[1:])
