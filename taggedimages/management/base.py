"""What every command of `manage.py` has: help with examples, exit codes that are documented, and
one line in place of a traceback where something is away."""

import os
import sys
from typing import Any, ClassVar

from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    DjangoHelpFormatter,
)
from django.db import DatabaseError, InterfaceError, OperationalError

from images import storage
from taggedimages.management.interrupts import INTERRUPTED, TERMINATED, ends_at_once
from taggedimages.transactions import sqlstate

DONE, FAILED, MISUSED = 0, 1, 2
EXIT_CODES = {
    DONE: "done, and all is well",
    FAILED: "failed, or found what is not well; standard error says what, and what to do",
    MISUSED: "an option or argument that is not known or not possible",
    INTERRUPTED: "ended by Ctrl-C",
    TERMINATED: "ended by SIGTERM",
}
# A table or a column that is not there.
UNPREPARED = {"42P01", "42703"}


class HelpFormatter(DjangoHelpFormatter):
    """Leaves examples as they are written."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith("Examples:"):
            return text
        return super()._fill_text(text, width, indent)


class Command(BaseCommand):
    """A command of ours.

    `examples` are whole lines as they are typed, after `manage.py`; `exit_codes` are those beside
    or in place of EXIT_CODES. One that prints data has `--json`, and one that deletes or overwrites
    does nothing without an option that says so.
    """

    examples: ClassVar[tuple[str, ...]] = ()
    exit_codes: ClassVar[dict[int, str]] = {}

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Django's, with examples and exit codes at the end of its help."""
        lines = ["Examples:", *(f"  {prog_name} {example}" for example in self.examples)]
        lines += ["", "Exit codes:"]
        codes = EXIT_CODES | self.exit_codes
        lines += [f"  {code:<3}  {text}" for code, text in sorted(codes.items())]
        kwargs |= {"formatter_class": HelpFormatter, "epilog": "\n".join(lines)}
        return super().create_parser(prog_name, subcommand, **kwargs)

    def run_from_argv(self, argv: list[str]) -> None:
        """Django's; Ctrl-C and SIGTERM end it without a traceback."""
        try:
            with ends_at_once():
                super().run_from_argv(argv)
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)
        finally:
            _end_output()

    def execute(self, *args: Any, **options: Any) -> Any:
        """Django's; what a command cannot help becomes a CommandError, which is one line.

        Whoever reads, such as `head`, may have seen enough: then it ends, and all is well.
        """
        try:
            said = super().execute(*args, **options)
            self.stdout.flush()
        except BrokenPipeError:
            return None
        except storage.StorageUnavailable as error:
            raise CommandError(f"{error} Is the service up?") from error
        except OSError as error:
            raise CommandError(str(error)) from error
        except (DatabaseError, InterfaceError) as error:
            if (line := _told(error)) is None:
                raise
            raise CommandError(line) from error
        return said


def _told(error: DatabaseError | InterfaceError) -> str | None:
    """A line for what the database does not do just now; None: it was asked something wrong."""
    why = " ".join(str(error).split())
    if sqlstate(error) in UNPREPARED:
        return f"The database is not prepared: run `manage.py prepare`. {why}"
    if not isinstance(error, OperationalError | InterfaceError):
        return None
    if sqlstate(error):
        return f"The database failed: {why}"
    return f"The database does not answer. Is the service up? {why}"


def _end_output() -> None:
    """What nobody reads, or no disk has room for, was told of: the end of the process is quiet."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
