"""What a check has found: whether something is well, what was seen of it, and what to do."""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import NamedTuple


class Status(StrEnum):
    """`warn` is what goes on for now, and what could not be looked at; `fail` is what does not."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Finding(NamedTuple):
    """One finding, in sentences; `do` is empty where all is well."""

    status: Status
    says: str
    do: str = ""


def ok(says: str) -> Finding:
    return Finding(Status.OK, says)


def warn(says: str, do: str) -> Finding:
    return Finding(Status.WARN, says, do)


def fail(says: str, do: str) -> Finding:
    return Finding(Status.FAIL, says, do)


class Away(Exception):
    """What a check is about does not answer at all: those that need it are not asked."""

    def __init__(self, says: str, do: str) -> None:
        super().__init__(says)
        self.finding = fail(says, do)


class Check(NamedTuple):
    """Something to look at. `needs` is the name of the check whose subject has to answer first."""

    name: str
    ask: Callable[[], Iterable[Finding]]
    needs: str = ""


def span(seconds: float) -> str:
    """A time as people say it, such as `3 min` or `2 days`.

    >>> span(2.4), span(200), span(7_300), span(200_000)
    ('2 s', '3 min', '2 h', '2 days')
    """
    for least, unit in ((172_800, "days"), (7_200, "h"), (120, "min")):
        if seconds >= least:
            return f"{seconds / {'days': 86_400, 'h': 3_600, 'min': 60}[unit]:.0f} {unit}"
    return f"{seconds:.0f} s"


def amount(count: float) -> str:
    """Bytes as people say them, such as `1.5 GB`, in powers of 1,024.

    >>> amount(512), amount(1_610_612_736)
    ('512 bytes', '1.5 GB')
    """
    for power, unit in ((4, "TB"), (3, "GB"), (2, "MB"), (1, "KB")):
        if count >= 1_024**power:
            return f"{count / 1_024**power:.1f} {unit}"
    return f"{count:.0f} bytes"
