"""Contracts as a gate of releases: what is broken refuses, unless it is waived with a reason."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from search.executor.blocks import Blocks
from taggedimages.datasets.contracts import reports
from taggedimages.datasets.contracts.keeping import latest_of
from taggedimages.datasets.contracts.models import Contract, ContractVersion, Severity
from taggedimages.datasets.contracts.rules import BadContract
from taggedimages.datasets.refusals import Refused

MAX_CONTRACTS = 100
MAX_REASON = 2_000


def known(names: Sequence[str], waive: Mapping[str, str], project: str) -> list[ContractVersion]:
    """The latest versions of the contracts that a release of a project names.

    Raises BadContract (400) for a name of none, for one that is named twice, for a waiver of what
    is not named, and for one without a reason. Two statements at most.
    """
    if len(names) > MAX_CONTRACTS or len(set(names)) < len(names):
        raise BadContract(f"contracts: At most {MAX_CONTRACTS} names, each once.")
    for name, reason in waive.items():
        if name not in names:
            raise BadContract(f"waive: {name} is not among the contracts.")
        if not reason.strip() or len(reason) > MAX_REASON:
            raise BadContract(f"waive.{name}: Say why, in {MAX_REASON} characters at most.")
    latest = _latest(names, project)
    if missing := [name for name in names if name not in latest]:
        raise BadContract(f"contracts: There is no contract {missing[0]}.")
    return [latest[name] for name in names]


def gate(
    names: Sequence[str],
    members: Blocks,
    as_of: datetime | None,
    waive: Mapping[str, str],
    project: str,
) -> list[dict[str, Any]]:
    """What the contracts of a project say of the members of a release, as its statement shows it.

    `names` and `waive` (name: reason) are as the POST has them, and `project` is the id of the data
    set's; call it in the transaction of the build, whose state is what is judged, or with `as_of`
    the tags of then. Gives for each name its report (`reports.report`) with `contract`, `severity`
    and `waived`, the reason or null.

    Raises BadContract as `known` does, and Refused with `{"report": {name: report}}` of all that
    are named where one of severity `error` is broken and not waived.
    """
    told = []
    for version in known(names, waive, project):
        report = reports.of_members(version, members, as_of)
        about = {"contract": version.contract.name, "severity": version.severity}
        told.append(about | {"waived": waive.get(version.contract.name)} | report)
    broken = [one["contract"] for one in told if _refuses(one)]
    if broken:
        raise Refused(
            f"Broken: {', '.join(broken)}. Each may be waived with a reason.",
            {"report": {one["contract"]: one for one in told}},
        )
    return told


def _refuses(report: Mapping[str, Any]) -> bool:
    is_error = report["severity"] == Severity.ERROR
    return is_error and not report["passes"] and report["waived"] is None


def _latest(names: Sequence[str], project: str) -> dict[str, ContractVersion]:
    contracts = Contract.objects.filter(project=project, name__in=names, deleted_at=None)
    versions = latest_of(list(contracts.values_list("pk", flat=True)))
    return {version.contract.name: version for version in versions.values()}
