"""Look through the vocabulary for what wants cleaning up, and tell of it."""

import json
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandParser

from images.visibility import Viewer
from taggedimages.management import base
from tags.cleanup import present, sweep, telling
from tags.cleanup.models import Finding, Kind


class Command(base.Command):
    help = (
        "Looks through the vocabulary as a worker does each night, and tells what was found: twins,"
        " contradictions, what merges left over, tags that are hardly used. Changes no tag: the"
        " clean-up list of the admin has plans."
    )
    examples = (
        "cleanup",
        "cleanup --kept --kind case --json",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one object for each row, a line")
        parser.add_argument("--kept", action="store_true", help="tell what the last look has found")
        parser.add_argument("--kind", choices=Kind.values, help="tell of this kind alone")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["kept"] and not sweep.run():
            self.stderr.write("A worker is at it; this is what the last look has found.")
        for row in _rows(options["kind"]):
            told = _told(row)
            self.stdout.write(json.dumps(told) if options["json"] else _line(told))


def _rows(wanted: str | None) -> Iterator[Finding]:
    found = present.rows(Viewer(audiences=None))
    for kind in Kind:
        if wanted in (None, kind.value):
            yield from present.in_order(found.filter(kind=kind.value)).iterator(chunk_size=1_000)


def _told(row: Finding) -> dict[str, Any]:
    """A row as it is told; numbers of images as of the look."""
    told = {"kind": row.kind, "tag": row.tag_name, "images": row.images}
    if row.other_id is not None:
        told |= {"other": row.other_name, "other_images": row.other_images}
    if row.shared:
        told["both"] = row.shared
    return told | {"why": telling.why(row, counted=True)}


def _line(told: dict[str, Any]) -> str:
    tags = f"{told['tag']} ({told['images']})"
    if "other" in told:
        tags += f", {told['other']} ({told['other_images']})"
    return f"{told['kind']}: {tags}: {told['why']}"
