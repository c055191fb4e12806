"""Judge by contracts from the command line."""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from images.visibility import Viewer
from taggedimages.datasets.contracts import reports, rights
from taggedimages.datasets.contracts.keeping import latest_of
from taggedimages.datasets.contracts.models import Contract, ContractVersion
from taggedimages.datasets.contracts.rights import OF, Asker
from taggedimages.datasets.snapshots import one_state
from taggedimages.management import base

# Ids that a line of text has of those that break a rule.
NAMED = 10


class Command(base.Command):
    help = (
        "Lists contracts; with a name, judges all images that the members of its project are "
        "shown, and exits with 1 where it is broken."
    )
    examples = (
        "contracts",
        "contracts laterality --json",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", help="such as laterality, or PROJECT/laterality")
        parser.add_argument("--json", action="store_true", help="what /v1 shows, a line each")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["name"] is None:
            self.list(as_json=options["json"])
            return
        contract = rights.named(options["name"], Asker(None, sees_all=True))
        if contract is None:
            raise CommandError(f"There is no contract {options['name']}.")
        with one_state(read_only=True):
            version = latest_of([contract.pk])[contract.pk]
            report = reports.report(version, Viewer.of_members(contract.project))
        if options["json"]:
            self.stdout.write(json.dumps(report))
        else:
            self.tell(version, report)
        if not report["passes"]:
            raise CommandError(f"It is broken: {_failures(report)} failures.")

    def list(self, *, as_json: bool) -> None:
        """A line for each contract, with what the worker's latest look has found."""
        contracts = Contract.objects.filter(deleted_at=None).order_by("project", "name")
        for contract in contracts.select_related("latest_report"):
            look = getattr(contract, "latest_report", None)
            report = look.report if look else None
            if as_json:
                told = {"project": contract.project_id, "name": contract.name, "report": report}
                self.stdout.write(json.dumps(told))
                continue
            state = "never looked at" if look is None else look.problem
            if report:
                state = "passes" if report["passes"] else f"broken, {_failures(report)} failures"
            self.stdout.write(f"{contract.project_id}{OF}{contract.name}: {state}")

    def tell(self, version: ContractVersion, report: dict[str, Any]) -> None:
        """A report in words."""
        checked = f"{report['checked']:,} images checked by version {version.version}"
        self.stdout.write(f"{checked}: {'passes' if report['passes'] else 'broken'}")
        for rule in report["rules"]:
            named = ", ".join(map(str, rule["sample"][:NAMED]))
            others = f", such as {named}" if named else ""
            self.stdout.write(f"{rule['failures']:>9,}  {rule['message']}{others}")
        if report["unknown_tags"]:
            self.stdout.write(f"No tag is called {', '.join(report['unknown_tags'])}.")


def _failures(report: dict[str, Any]) -> str:
    return f"{sum(rule['failures'] for rule in report['rules']):,}"
