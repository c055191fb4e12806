"""Tell of tags whose names are not as all APIs make them now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from taggedimages.identity.authors import Author
from tags import normalising


class Command(BaseCommand):
    help = (
        "Lists tags whose names look like another's, are invisible or have control characters: "
        "made before names were checked. They go on working, and are renamed or deleted through "
        "any API or the admin. Fails where there is one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--mend", action="store_true", help="first bring names to form NFC that can be"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["mend"]:
            by = Author(None, "command:tagnames", is_operator=True)
            self.stdout.write(f"{normalising.mend(by)} names were brought to form NFC.")
        count = 0
        for odd in normalising.odd_names():
            count += 1
            self.stdout.write(f"tag {odd.id} {odd.name!a}: {odd.why}")
        if count:
            raise CommandError(f"{count} names are odd.", returncode=1)
        self.stdout.write("All names of tags are right.")
