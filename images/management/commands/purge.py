"""Do what time alone decides: end abandoned uploads, empty the trash, remove deleted files."""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from images import purging, storage
from taggedimages.management import base


class Command(base.Command):
    help = (
        "Says how many uploads are abandoned, how many in parts are stale, what has been in the "
        "trash for long enough, and how many files of deleted images are due to go; with --apply, "
        "does what is due. The worker does it by itself, too."
    )
    examples = (
        "purge",
        "purge --json",
        "purge --apply",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--apply", action="store_true", help="do it")
        parser.add_argument("--json", action="store_true", help="the numbers as one object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = purging.purge() if options["apply"] else purging.due()
        except storage.StorageUnavailable as error:
            raise CommandError(f"{error} What is left is done next time.") from error
        if options["json"]:
            self.stdout.write(json.dumps({"applied": options["apply"], **done}))
            return
        self.stdout.write(
            ", ".join(f"{name.replace('_', ' ')}: {count}" for name, count in done.items())
        )
        if not options["apply"]:
            self.stdout.write("Nothing has been done; --apply does it.")
