"""Say that the database was put back to an earlier state."""

from typing import Any, ClassVar

from taggedimages.management import base
from taggedimages.postgresql import history


class Command(base.Command):
    help = (
        "To be run after the database was put back to an earlier state by other means than"
        " `restore`, before the worker runs again: nothing that processes remember holds any more,"
        " and the worker leaves files alone that were there before, whether or not a record knows"
        " them. It changes nothing else, and can be repeated."
    )
    examples: ClassVar[tuple[str, ...]] = ("rewound",)

    def handle(self, *args: Any, **options: Any) -> None:
        history.renew()
        self.stdout.write(
            "Noted. What is stored and in no record stays, for `reconcile` to tell of it; `verify`"
            " says whether all else fits."
        )
