"""Whether this installation is well, what is wrong with it, and what to do."""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from taggedimages.doctor.checks import checks
from taggedimages.doctor.examination import Line, examine
from taggedimages.doctor.findings import Status
from taggedimages.management import base

WIDTH = 17


class Command(base.Command):
    help = (
        "Looks at settings, engines, disk, rights, clocks, queues and backups, and says of each "
        "what to do where it is not well. Changes nothing, needs nothing running, and ends within "
        "some minutes whatever hangs."
    )
    # It tells of wrong settings, too.
    requires_system_checks = []
    examples = ("doctor", "doctor --json", "doctor --only database store disk")

    def add_arguments(self, parser: CommandParser) -> None:
        names = [check.name for check in checks()]
        parser.add_argument("--json", action="store_true", help="a JSON object a line of it")
        parser.add_argument("--only", nargs="+", metavar="CHECK", choices=names, default=names)
        parser.add_argument("--url", default="", help="where the API is, if `up` does not run here")

    def handle(self, *args: Any, only: list[str], url: str, **options: Any) -> None:
        tell = self.tell_json if options["json"] else self.tell
        statuses = []
        for line in examine(one for one in checks(url.rstrip("/")) if one.name in only):
            statuses.append(line.status)
            tell(line)
        failed = statuses.count(Status.FAIL)
        if not options["json"]:
            counts = ", ".join(f"{statuses.count(status)} {status}" for status in Status)
            self.stdout.write(counts)
        if failed:
            raise CommandError(f"{failed} of {len(statuses)} lines say `fail`, and what to do.")

    def tell(self, line: Line) -> None:
        """For people: what to do is beneath what was found."""
        self.stdout.write(f"{line.status:5} {line.check:{WIDTH}} {line.says}")
        if line.do:
            self.stdout.write(f"{'':5} {'':{WIDTH}} → {line.do}")
        self.stdout.flush()

    def tell_json(self, line: Line) -> None:
        """For programs: a line of `{check, status, says, do}`."""
        self.stdout.write(json.dumps(line._asdict(), ensure_ascii=False))
        self.stdout.flush()
