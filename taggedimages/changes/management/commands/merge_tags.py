"""Merge tags into another, from the command line."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from taggedimages.changes import lifecycle, operations
from taggedimages.changes.management.command import ChangeCommand
from tags import spelling
from tags.models import Tag


class Command(ChangeCommand):
    help = (
        "Makes tags aliases of another, and their links its links, at once; with --dry-run, says "
        "what would become of images, and changes nothing. Either way it is a change: "
        "`manage.py changes` lists and undoes it."
    )
    examples = (
        "merge_tags 'left-knee' 'knee (left)' 'left knee' --dry-run",
        "merge_tags 'left-knee' 'left knee' --json",
    )
    name = "merge_tags"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("names", nargs="+", metavar="FROM", help="tags that go")
        parser.add_argument("into", metavar="INTO", help="the tag that they become")
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--dry-run", action="store_true", help="change nothing")
        how.add_argument("--apply", action="store_true", help="do it, as without it")
        parser.add_argument("--note", default="", help="why, for whoever reads it")
        super().add_arguments(parser)

    def run(self, options: dict[str, Any]) -> None:
        by, (*sources, into) = self.author(), tags_of([*options["names"], options["into"]])
        if options["dry_run"]:
            operation = operations.merging(sources, into)
            change = self.planned(lifecycle.propose(operation, None, by, note=options["note"]))
            self.say_plan(change, as_json=options["json"])
            return
        change = self.planned(lifecycle.merge(sources, into, by, note=options["note"]))
        self.apply(change, as_json=options["json"])


def tags_of(names: list[str]) -> list[Tag]:
    """The tags of some names, in this order; an alias is meant as it is. Raises CommandError."""
    spelt = spelling.settled([name.strip() for name in names])
    known = {tag.name: tag for tag in Tag.objects.filter(name__in=set(spelt.values()))}
    found = [known.get(spelt[name.strip()]) for name in names]
    if missing := [name for name, tag in zip(names, found, strict=True) if tag is None]:
        raise CommandError(f"There is no tag {missing[0]!r}.")
    return [tag for tag in found if tag is not None]
