"""What the doctor says, for tests to look at."""

from collections.abc import Iterable

from taggedimages.doctor.checks import checks
from taggedimages.doctor.examination import Line, examine
from taggedimages.doctor.findings import Finding, Status


def examined(*names: str) -> list[Line]:
    """The lines of these checks, made as the command makes them."""
    return list(examine(check for check in checks() if check.name in names))


def statuses(*names: str) -> dict[str, Status]:
    """The worst of what each of these checks says."""
    worst: dict[str, Status] = {}
    for line in examined(*names):
        order = list(Status)
        known = worst.get(line.check, Status.OK)
        worst[line.check] = max(known, line.status, key=order.index)
    return worst


def one(findings: Iterable[Finding]) -> Finding:
    """The only finding of a check."""
    [found] = findings
    assert bool(found.do) is (found.status != Status.OK)
    return found
