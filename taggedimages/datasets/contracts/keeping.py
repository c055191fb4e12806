"""Contracts are written here: each change is a version of its own, and none is ever lost."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models.functions import Now

from search.query import Query
from taggedimages.changes import questions
from taggedimages.datasets.contracts import patterns
from taggedimages.datasets.contracts import rules as rule_book
from taggedimages.datasets.contracts.models import Contract, ContractVersion, Severity
from taggedimages.datasets.contracts.refusals import NameTaken, TooManyContracts
from taggedimages.datasets.contracts.rights import Asker, visible_to
from taggedimages.datasets.contracts.rules import BadContract
from taggedimages.identity.authors import Author
from taggedimages.identity.models import Project
from taggedimages.transactions import retried

# Of one project: all of them are looked at each night.
CONTRACTS_MOST = 200


@dataclass(frozen=True)
class Content:
    """What a contract says; `when` are the conditions of `query` as they were sent."""

    when: dict[str, Any]
    query: Query
    rules: list[dict[str, Any]]
    severity: str = Severity.ERROR
    max_failures: int = 0


class Kept(NamedTuple):
    """The version that says so now, and whether the contract was not there before."""

    version: ContractVersion
    is_new: bool


def check(content: Content) -> None:
    """Raise BadContract for what cannot be judged."""
    if content.query.failing is not None:
        raise BadContract("when.failing: A contract is not for what fails another.")
    if content.query.as_of is not None:
        raise BadContract("when.as_of: A contract is about the tags of the moment of its judging.")
    for number, rule in enumerate(rule_book.read(content.rules)):
        if rule.pattern:
            try:
                patterns.check(rule.pattern)
            except BadContract as error:
                raise BadContract(f"rules.{number}.value.pattern: {error}") from error


@retried
def put(name: str, project_id: str, content: Content, by: Author, asker: Asker) -> Kept:
    """Have a contract of a project say something; what it says already makes no version.

    Raises BadContract, NameTaken where it is not the asker's, and TooManyContracts.
    """
    check(content)
    Project.objects.get_or_create(id=project_id)
    contract, is_new = _held(name, project_id, by)
    if not is_new and not visible_to(asker).filter(pk=contract.pk).exists():
        raise NameTaken(f"There is a contract {name!r} in the project already.")
    latest = contract.versions.order_by("-version").first()
    if latest is not None and _is_said(content, latest):
        return Kept(latest, is_new)
    version = ContractVersion.objects.create(
        contract=contract,
        version=latest.version + 1 if latest else 1,
        question=questions.written(content.query),
        author=by.user,
        author_name=by.name,
        **_said(content),
    )
    return Kept(version, is_new)


def delete(contract: Contract) -> None:
    """Have a contract no longer be there; a later one of its name goes on counting versions."""
    Contract.objects.filter(pk=contract.pk, deleted_at=None).update(deleted_at=Now())


def latest_of(contract_ids: list[int]) -> dict[int, ContractVersion]:
    """What contracts say now, by their ids. One statement."""
    versions = ContractVersion.objects.filter(contract__in=contract_ids)
    newest_first = versions.order_by("contract_id", "-version").distinct("contract_id")
    found = newest_first.select_related("contract")
    return {version.contract_id: version for version in found}


def _held(name: str, project_id: str, by: Author) -> tuple[Contract, bool]:
    """The contract under its lock, and whether it was not there before. Raises
    TooManyContracts."""
    # Of two that make the same, or the last that may be made, the second waits here.
    Project.objects.select_for_update(no_key=True).get(pk=project_id)
    of_project = Contract.objects.filter(project=project_id)
    contract = of_project.select_for_update(of=["self"]).filter(name=name).first()
    if contract is not None and contract.deleted_at is None:
        return contract, False
    if of_project.filter(deleted_at=None).count() >= CONTRACTS_MOST:
        raise TooManyContracts(f"A project has at most {CONTRACTS_MOST} contracts.")
    contract = contract or Contract(name=name, project_id=project_id)
    contract.author, contract.author_name, contract.deleted_at = by.user, by.name, None
    contract.save()
    return contract, True


def _said(content: Content) -> dict[str, Any]:
    return {
        "when": content.when,
        "rules": content.rules,
        "severity": content.severity,
        "max_failures": content.max_failures,
    }


def _is_said(content: Content, version: ContractVersion) -> bool:
    return all(getattr(version, name) == value for name, value in _said(content).items())
