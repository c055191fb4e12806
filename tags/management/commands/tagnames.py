"""Tell of tags whose names are not as all APIs make them now."""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from taggedimages.identity.authors import Author
from taggedimages.management import base
from tags import normalising


class Command(base.Command):
    help = (
        "Lists tags whose names look like another's, are invisible or have control characters: "
        "made before names were checked. They go on working, and are renamed or deleted through "
        "any API or the admin. Fails where there is one."
    )
    examples = (
        "tagnames",
        "tagnames --json",
        "tagnames --mend",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--mend", action="store_true", help="first bring names to form NFC that can be"
        )
        parser.add_argument("--json", action="store_true", help="one object for each, a line")

    def handle(self, *args: Any, **options: Any) -> None:
        as_json = options["json"]
        if options["mend"]:
            mended = normalising.mend(Author(None, "command:tagnames", is_operator=True))
            if not as_json:
                self.stdout.write(f"{mended} names were brought to form NFC.")
        count = 0
        for odd in normalising.odd_names():
            count += 1
            line = f"tag {odd.id} {odd.name!a}: {odd.why}"
            self.stdout.write(json.dumps(odd._asdict()) if as_json else line)
        if count:
            raise CommandError(f"{count} names are odd: rename or delete these tags.")
        if not as_json:
            self.stdout.write("All names of tags are right.")
