"""Change the tags of all images that match, from the command line."""

from typing import Any

from django.core.management.base import CommandParser

from search.v1.parameters import text_conditions, text_query
from taggedimages.changes import lifecycle, operations, rights
from taggedimages.changes.management.command import ChangeCommand
from tags.names import split


class Command(ChangeCommand):
    help = (
        "Says what would become of the tags of all images that match, and changes nothing; with "
        "--apply, it does it. Either way it is a change: `manage.py changes` lists and undoes it."
    )
    examples = (
        "retag 'any_tags=left knee' --add 'knee|left' --remove 'left knee'",
        "retag 'exact_tags=knee' --add joint --apply --json",
    )
    name = "retag"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "conditions", metavar="QUERY", help='which images, as `find` takes it; "" is all images'
        )
        for option, what in (
            ("--add", "tags that come"),
            ("--remove", "tags that go"),
            ("--replace", 'all tags that stay, with those added; "" takes all away'),
        ):
            parser.add_argument(
                option, action="append", metavar="NAMES", help=f"{what}: knee, or knee|left"
            )
        parser.add_argument("--apply", action="store_true", help="do it")
        parser.add_argument("--note", default="", help="why, for whoever reads it")
        parser.add_argument(
            "--user", metavar="NAME", help="in this user's name, and only what they may see"
        )
        super().add_arguments(parser)

    def run(self, options: dict[str, Any]) -> None:
        query, by = text_query(options["conditions"]).query, self.author(options["user"])
        asked = text_conditions(options["conditions"])
        if not query.narrows:
            asked["everything"] = True
        given = {
            key: [name.strip() for text in options[key] for name in split(text) if name.strip()]
            for key in ("add", "remove", "replace")
            if options[key] is not None
        }
        operation = operations.proposed(given, rights.viewer_of(by))
        change = lifecycle.propose(operation, query, by, note=options["note"], asked=asked)
        change = self.planned(change)
        if options["apply"]:
            change = lifecycle.apply(change.pk, change.digest, by)
            self.apply(change, as_json=options["json"])
            return
        self.say_plan(change, as_json=options["json"])
