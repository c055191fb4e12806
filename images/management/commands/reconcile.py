"""Compare the bucket with the database, and mend what differs."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser

from images import holds, reconciliation, storage
from taggedimages.management import base
from taggedimages.terminal import progress


class Command(base.Command):
    help = (
        "Reports objects without a record (orphan), records without an object (lost), with "
        "another size (resized), pending ones whose object is there (arrived) and deleted ones "
        "whose object is there still (undeleted). Exits with 1 if any are left."
    )
    examples = (
        "reconcile",
        "reconcile --json",
        "reconcile --apply",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--apply", action="store_true", help="mend what is found")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")
        parser.add_argument(
            "--force", action="store_true", help="even where a large share of records is lost"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = self.reconcile(**options)
        except (storage.StorageUnavailable, holds.NotNow) as error:
            raise CommandError(f"{error} Nothing is half done: run it again.") from error
        except reconciliation.WrongBucket as error:
            raise CommandError(
                f"{error} Is it the right bucket? Nothing was mended; --force does it all the same."
            ) from error
        if left := sum(report.findings.values()) - report.repaired:
            raise CommandError(f"{left} differences; --apply mends them.")

    def reconcile(self, **options: Any) -> reconciliation.Report:
        """Print each finding as it is checked, and the totals at the end."""
        with progress("Listing the bucket", None, "objects") as bar:
            report = reconciliation.take_stock(bar.update)
        if options["apply"] and not options["force"]:
            report.check_plausible()
        for finding in reconciliation.findings(report, repair=options["apply"]):
            self.stdout.write(
                json.dumps(asdict(finding), default=str)
                if options["json"]
                else f"{finding.kind} {finding.key} (image {finding.image_id})"
            )
        totals = asdict(report)
        self.stdout.write(json.dumps(totals) if options["json"] else _sentence(totals))
        return report


def _sentence(totals: dict[str, Any]) -> str:
    found = totals.pop("findings")
    return ", ".join(f"{count} {name}" for name, count in (totals | found).items())
