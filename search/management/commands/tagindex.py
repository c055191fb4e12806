"""Verify the tag index, mend it, or make it anew."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from search.index import building, verification


class Command(BaseCommand):
    help = (
        "Compares the tag index with images and links, and fails where it is wrong. Nothing in it "
        "is a source of truth, and the service goes on meanwhile."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--repair", action="store_true", help="mend what is wrong")
        how.add_argument("--rebuild", action="store_true", help="make the whole index anew")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["rebuild"]:
            building.rebuild()
            self.stdout.write("The tag index was made anew.")
            return
        found = verification.verify(repair=options["repair"])
        if found.right:
            self.stdout.write("The tag index is right.")
            return
        wrong = f"{found.blocks} blocks and {found.sizes} sizes of the tag index were wrong"
        if not options["repair"]:
            raise CommandError(f"{wrong}: run it with --repair.", returncode=1)
        self.stdout.write(f"{wrong} and are mended.")
