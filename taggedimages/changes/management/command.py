"""What the commands about changes have in common: who is at it, JSON, and how they end."""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError, InterfaceError
from rest_framework.exceptions import ValidationError

from search.query.conditions import Unknown
from search.results import TooFarBack, TooManyNames
from taggedimages.changes.management import applying, telling
from taggedimages.changes.models import Change, State
from taggedimages.changes.refusals import (
    AuthorGone,
    BadOperation,
    Drifted,
    NeedsSomebodyElse,
    OtherDigest,
    TooManyPlanned,
    WrongState,
)
from taggedimages.http.errors import flattened
from taggedimages.identity.authors import Author
from taggedimages.management import base
from taggedimages.management.asking import user_named
from taggedimages.management.interrupts import INTERRUPTED
from taggedimages.terminal import progress
from tags.curation import TagNameTaken
from tags.models import Tag
from tags.names import BadName
from tags.restriction import Restricted
from tags.rights import OnImagesOfOthers
from tags.vocabulary import Cycle, TooDeep, TooMany

REFUSED = (
    AuthorGone,
    BadOperation,
    Drifted,
    NeedsSomebodyElse,
    OtherDigest,
    TooManyPlanned,
    WrongState,
    BadName,
    Restricted,
    OnImagesOfOthers,
    TagNameTaken,
    Cycle,
    TooDeep,
    TooMany,
    Unknown,
    TooFarBack,
    TooManyNames,
    Tag.DoesNotExist,
)


class ChangeCommand(base.Command):
    """A command that proposes, shows or applies changes, as an operator who sees them all."""

    name: str

    def run(self, options: dict[str, Any]) -> None:
        """Do it. What refuses it becomes a CommandError."""
        raise NotImplementedError

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="what /v1 shows of the change")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.run(options)
        except ValidationError as error:
            raise CommandError("; ".join(flattened(error.detail))) from error
        except REFUSED as error:
            raise CommandError(str(error)) from error

    def author(self, user: str | None = None) -> Author:
        """An operator, in the name of a user if one is given. Raises CommandError."""
        return Author(user_named(user) if user else None, f"command:{self.name}", is_operator=True)

    def planned(self, change: Change) -> Change:
        """The change with its plan."""
        return applying.planned(applying.now(change))

    def say(self, change: Change, *, as_json: bool) -> None:
        """Print a change: what it would do, or what has become of it."""
        if as_json:
            self.stdout.write(json.dumps(telling.as_json(applying.now(change))))
        elif change.state in (State.PLANNING, State.PLANNED):
            for line in telling.plan(applying.now(change)):
                self.stdout.write(line)
        else:
            self.stdout.write(telling.outcome(change))

    def say_plan(self, change: Change, *, as_json: bool) -> None:
        """Print what a change would do, and how it is done."""
        self.say(change, as_json=as_json)
        if not as_json:
            self.stdout.write(
                f"Nothing has been changed. `manage.py changes apply {change.pk}` does just this."
            )

    def apply(self, change: Change, *, as_json: bool) -> None:
        """Apply what is queued, to its end, and print what has become of it.

        Raises CommandError where it did not come to its end; Ctrl-C stops it.
        """
        try:
            with progress(f"Change {change.pk}", change.images, "images") as bar:

                def tell(change: Change) -> None:
                    bar.n = change.done
                    bar.set_postfix_str(telling.waits(change), refresh=True)

                change = applying.applied(change, tell)
        except (DatabaseError, InterfaceError) as error:
            raise CommandError(
                f"The database failed: {str(error).strip()} A worker goes on with change "
                f"{change.pk}, and so does `manage.py changes resume {change.pk}`."
            ) from error
        if as_json or change.state == State.APPLIED:
            self.say(change, as_json=as_json)
        if change.state != State.APPLIED:
            code = INTERRUPTED if change.state == State.STOPPED else base.FAILED
            raise CommandError(telling.how_to_go_on(change), returncode=code)
