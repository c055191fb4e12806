"""Blank names and values in the ledgers that should never have been written."""

import getpass
import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from taggedimages.management import base
from tags import redaction
from tags.redaction import StillThere, Texts


class Command(base.Command):
    help = (
        "Blanks names of tags, or values, in the ledgers and wherever else changes of tags are "
        "kept (docs/time-travel.md): the one thing that rewrites them. Says what it would do, "
        "unless it is told to do it. What is there now has to be renamed, deleted or changed "
        "first; which images had which tags stays known."
    )
    examples = (
        "redact --name 'Jane Doe' --reason 'a patient asked'",
        "redact --tag 12 --reason 'names of patients' --json",
        "redact --name 'Jane Doe' --reason 'a patient asked' --apply",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_argument_group("what", "a name, a value, or all former names of a tag")
        which.add_argument("--name", metavar="NAME", help="this name, exactly")
        which.add_argument("--value", metavar="VALUE", help="this value, exactly")
        which.add_argument("--tag", type=int, metavar="ID", help="only of this tag")
        which.add_argument("--image", type=int, metavar="ID", help="only of this image")
        parser.add_argument("--reason", required=True, help="why, for the record")
        parser.add_argument("--apply", action="store_true", help="do it")
        parser.add_argument("--json", action="store_true", help="what is blanked as one object")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted, reason = _wanted(options), options["reason"].strip()
        if not reason:
            raise CommandError("--reason: say why.")
        try:
            if options["apply"]:
                record, counted = redaction.redact(wanted, getpass.getuser(), reason)
                number, said = record.pk, f"were blanked, as redaction {record.pk} records"
            else:
                counted = redaction.found(wanted)
                number, said = None, "would be blanked; --apply does it"
        except StillThere as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps({"redaction": number, "blanked": counted}))
            return
        counts = ", ".join(f"{count:,} {name}" for name, count in counted.items())
        self.stdout.write(f"{counts} {said}.")


def _wanted(options: dict[str, Any]) -> Texts:
    """What is asked for. Raises CommandError."""
    name, value = options["name"], options["value"]
    if name is not None and value is not None:
        raise CommandError("Give --name or --value, one after the other.")
    if "" in (name, value):
        raise CommandError("What is blank is blank already.")
    if name is None and value is None and options["tag"] is None:
        raise CommandError("Give --name, --value or --tag.")
    return Texts(name, value, options["tag"], options["image"])
