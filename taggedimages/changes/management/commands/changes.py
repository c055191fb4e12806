"""List, show, apply, stop, resume and undo changes, from the command line."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from taggedimages.changes import lifecycle
from taggedimages.changes.management import applying, telling
from taggedimages.changes.management.command import ChangeCommand
from taggedimages.changes.models import Change, Kind, OnDrift, State
from taggedimages.changes.standing import with_standing

LISTED = 20


class Command(ChangeCommand):
    help = "Lists the changes of all projects, newest first; shows, applies and undoes them."
    examples = (
        "changes",
        "changes list --state planned --json",
        "changes show 812",
        "changes apply 812",
        "changes undo 812 --apply --note 'wrong side'",
    )
    name = "changes"

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", metavar="list|show|apply|stop|resume|undo")

        def action(name: str, help: str) -> CommandParser:
            found: CommandParser = actions.add_parser(name, help=help)
            super(Command, self).add_arguments(found)
            return found

        listed = action("list", f"the newest {LISTED}, a line each")
        listed.add_argument("--state", choices=State.values)
        listed.add_argument("--kind", choices=Kind.values)
        listed.add_argument("--limit", type=int, default=LISTED, metavar="N")
        for name, what in (
            ("show", "what it would do, or has done"),
            ("apply", "apply what is planned, to its end"),
            ("stop", "have nobody go on with it"),
            ("resume", "go on with what was stopped, has failed or is left alone, to its end"),
            ("undo", "say what taking it back would do; with --apply, do it"),
            ("discard", "end a plan that nobody is to apply"),
        ):
            one = action(name, what)
            one.add_argument("id", type=int, help="of the change")
            if name == "apply":
                one.add_argument("--digest", help="only the plan that has this digest")
                one.add_argument(
                    "--on-drift",
                    choices=OnDrift.values,
                    default=OnDrift.SKIP,
                    help="where other images match by now: leave these alone, or refuse",
                )
            if name == "undo":
                one.add_argument("--apply", action="store_true", help="do it")
                one.add_argument("--note", default="", help="why, for whoever reads it")
        parser.set_defaults(state=None, kind=None, limit=LISTED, json=False)

    def run(self, options: dict[str, Any]) -> None:
        action = options["action"] or "list"
        if action == "list":
            self.list(options)
            return
        change = self.change(options["id"])
        as_json = options["json"]
        match action:
            case "show":
                self.show(change, as_json=as_json)
            case "apply":
                digest = options["digest"] or change.digest
                by, on_drift = self.author(), options["on_drift"]
                self.apply(lifecycle.apply(change.pk, digest, by, on_drift), as_json=as_json)
            case "stop":
                self.say(lifecycle.stop(change.pk), as_json=as_json)
            case "resume":
                self.resume(change, as_json=as_json)
            case "undo":
                self.undo(change, options)
            case "discard":
                lifecycle.discard(change.pk)
                self.say(self.change(change.pk), as_json=as_json)

    def list(self, options: dict[str, Any]) -> None:
        """Print the newest changes."""
        filters = {name: options[name] for name in ("state", "kind") if options[name]}
        changes = with_standing(Change.objects.filter(**filters)).order_by("-id")
        for change in changes[: max(0, options["limit"])]:
            if options["json"]:
                self.say(change, as_json=True)
            else:
                self.stdout.write(telling.line(change))

    def show(self, change: Change, *, as_json: bool) -> None:
        """Print all of a change."""
        if as_json:
            self.say(change, as_json=True)
            return
        self.stdout.write(telling.line(change).strip())
        for line in telling.plan(change):
            self.stdout.write(line)
        if change.state not in (State.PLANNING, State.PLANNED):
            self.stdout.write(telling.outcome(change))
        if change.problem:
            self.stdout.write(change.problem)

    def resume(self, change: Change, *, as_json: bool) -> None:
        """Go on to the end; with what is being applied, beside whoever is at it."""
        if change.state != State.APPLYING:
            change = self.planned(lifecycle.resume(change.pk))
        if change.state == State.PLANNED:
            self.say(change, as_json=as_json)
        else:
            self.apply(change, as_json=as_json)

    def undo(self, change: Change, options: dict[str, Any]) -> None:
        """Plan taking a change back, and do it if that is asked for."""
        by = self.author()
        undoing = self.planned(lifecycle.undo(change, by, note=options["note"]))
        if options["apply"]:
            undoing = lifecycle.apply(undoing.pk, undoing.digest, by)
            self.apply(undoing, as_json=options["json"])
            return
        self.say_plan(undoing, as_json=options["json"])

    def change(self, number: int) -> Change:
        """The change with this id. Raises CommandError."""
        try:
            return applying.now(Change(pk=number))
        except Change.DoesNotExist:
            raise CommandError(f"There is no change {number}.") from None
