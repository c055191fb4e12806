"""Erase an image for good, also out of releases that list it (docs/releases.md)."""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from taggedimages.datasets import erasing
from taggedimages.datasets.models import Erasure, Release
from taggedimages.management import base
from taggedimages.quoting import escaped


class Command(base.Command):
    help = (
        "Erases an image for good: its file and previews, its record with all that was found in "
        "the file, its tags, and its lines in releases, which keep their leaf, so that they still "
        "verify, and say `erased`. It waits for releases that are being built. There is no way "
        "back: it says what it would do, unless it is told why. What the ledger says "
        "of its tags is for `redact`, and backups keep what they have."
    )
    examples = (
        "erase 4711",
        "erase 4711 --json",
        "erase 4711 --reason 'the patient has withdrawn'",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("image", type=int, metavar="IMAGE", help="the id of the image")
        parser.add_argument(
            "--reason", help="erase it, for this reason, which is kept: so name nobody"
        )
        parser.add_argument("--by", default=erasing.OPERATOR, help="who does it, for the same list")
        parser.add_argument(
            "--apply", action="store_true", help="may be said beside --reason, as to other commands"
        )
        parser.add_argument("--json", action="store_true", help="what is erased as one object")

    def handle(self, *args: Any, **options: Any) -> None:
        image_id, reason = options["image"], options["reason"]
        if (reason is not None or options["apply"]) and not (reason or "").strip():
            raise CommandError("Say why, by --reason: it is not erased.")
        erasure = None
        try:
            found = erasing.erasable(image_id)
            if reason is not None:
                erasure = erasing.erase(image_id, reason.strip(), options["by"])
        except erasing.NoImage as error:
            raise CommandError(str(error)) from error
        releases = [
            f"{release.dataset.name}@{release.number}"
            for release in Release.objects.filter(pk__in=found.releases).select_related("dataset")
        ]
        if options["json"]:
            told = {"image": image_id, "erased": bool(erasure or found.begun), "releases": releases}
            self.stdout.write(json.dumps(told))
        elif erasure:
            self.tell(erasure, releases)
        else:
            self.plan(found, image_id, releases)

    def plan(self, found: erasing.Erasable, image_id: int, releases: list[str]) -> None:
        """Say what would be erased."""
        if image := found.image:
            tags = image.tags.count()
            what = f"Image {image_id}, {escaped(image.filename)}, {image.size:,} bytes, {tags} tags"
        else:
            what = f"What is left of image {image_id}"
        for release in releases:
            self.stdout.write(f"{release} would say `erased` in place of its line.")
        self.stdout.write(f"{what}, would be erased for good; --reason TEXT does it.")

    def tell(self, erasure: Erasure, releases: list[str]) -> None:
        """Say what was erased, and what is still to be done."""
        said = f"is erased, by {erasure.author_name}: {erasure.reason}"
        self.stdout.write(f"Image {erasure.image_id} {said}")
        for release in releases:
            self.stdout.write(f"{release} says `erased` in place of its line.")
        if erasure.done_at is None:
            self.stdout.write(
                "The worker looks once more whether the store has anything of it, at "
                f"{erasure.due_at:%Y-%m-%d %H:%M} UTC."
            )
