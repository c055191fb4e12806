"""Run as a process: does something to the index and kills itself before a statement of it.

`python -m search.tests.killed WHAT TEXT`: WHAT is in DEEDS, TEXT in a statement or its parameters.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import django

django.setup()

from django.db import connection, transaction  # noqa: E402

from images.models import Image  # noqa: E402
from search.index.building import rebuild  # noqa: E402
from search.index.merging import merge  # noqa: E402
from search.tests.thresholds import SMALL  # noqa: E402
from taggedimages.factories import TESTS  # noqa: E402
from tags import resolving, tagging  # noqa: E402


def tag_everything_twice() -> None:
    with transaction.atomic():
        for name in ("one", "two"):
            tagging.tag_each(Image.objects.all(), resolving.resolve([name]), TESTS)


DEEDS: dict[str, Callable[[], Any]] = {
    "merge": lambda: merge(thresholds=SMALL),
    "rebuild": lambda: rebuild(SMALL),
    "tag": tag_everything_twice,
}


def main(what: str, text: str) -> None:
    """Do it until then."""

    def check(execute: Any, sql: str, parameters: Any, *rest: Any) -> Any:
        if text in f"{sql} {parameters}":
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(sql, parameters, *rest)

    with connection.execute_wrapper(check):
        DEEDS[what]()


if __name__ == "__main__":
    main(*sys.argv[1:])
