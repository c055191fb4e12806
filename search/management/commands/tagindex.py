"""Verify the tag index, mend it, or make it anew."""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import Max

from images.models import Image
from search.index import building, verification
from search.index.verification import Verdict
from taggedimages.management import base
from taggedimages.terminal import progress


class Command(base.Command):
    help = (
        "Compares the tag index with images and links, and fails where it is wrong. Nothing in it "
        "is a source of truth, and the service goes on meanwhile."
    )
    examples = (
        "tagindex",
        "tagindex --json",
        "tagindex --repair",
        "tagindex --rebuild",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--repair", action="store_true", help="mend what is wrong")
        how.add_argument("--rebuild", action="store_true", help="make the whole index anew")
        parser.add_argument("--json", action="store_true", help="what was found as one object")

    def handle(self, *args: Any, **options: Any) -> None:
        highest = Image.objects.aggregate(highest=Max("pk"))["highest"] or 0
        with progress("Tag index", highest, "ids of images") as bar:
            if options["rebuild"]:
                building.rebuild(told=bar.update)
                found = Verdict(0, 0)
            else:
                found = verification.verify(repair=options["repair"], told=bar.update)
        self.tell(found, options)
        if not found.right and not options["repair"]:
            raise CommandError(f"{_wrong(found)}: run it with --repair.")

    def tell(self, found: Verdict, options: dict[str, Any]) -> None:
        """Say what was found and done."""
        if options["json"]:
            made_right = options["rebuild"] or options["repair"]
            told = {"right": found.right or made_right, "wrong": found._asdict()}
            self.stdout.write(json.dumps(told | {"rebuilt": options["rebuild"]}))
        elif options["rebuild"]:
            self.stdout.write("The tag index was made anew.")
        elif found.right:
            self.stdout.write("The tag index is right.")
        elif options["repair"]:
            self.stdout.write(f"{_wrong(found)} and are mended.")


def _wrong(found: Verdict) -> str:
    return f"{found.blocks} blocks and {found.sizes} sizes of the tag index were wrong"
