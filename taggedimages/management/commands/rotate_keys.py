"""New keys and passwords in place of those in use."""

import json
import time
from typing import Any, ClassVar

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from taggedimages.encrypted import COLUMNS
from taggedimages.engines import rotation, state
from taggedimages.engines.rotation import HOOK_SECRET, PARTS, POSTGRES, S3, SECRET_KEY
from taggedimages.management.base import Command as BaseCommand
from taggedimages.terminal import progress

# How long a running `up` may take to start all again, and between two looks.
RESTART_SECONDS, LOOK_SECONDS = 300, 0.5
# What becomes of each that the data folder keeps.
ANEW = {
    SECRET_KEY: "a new one signs and encrypts; what older ones have signed stays good until"
    " --forget",
    HOOK_SECRET: "whoever calls the hook has to be told the new one, hook_secret in state.json",
    POSTGRES: "the passwords of both roles",
    S3: "access key, secret key, the store's inner keys and its certificate; presigned URLs that"
    " were handed out end",
}
# What is to be done about each that is given from outside.
OUTSIDE = {
    SECRET_KEY: "set a new SECRET_KEY, and the present one in SECRET_KEY_FALLBACKS, for all"
    " processes; then run this with --apply, and leave the fallback out some weeks later",
    HOOK_SECRET: "set another TAGGEDIMAGES_HOOK_SECRET, and tell it to whoever calls the hook",
    POSTGRES: "give the role of DATABASE_URL another password, and start all processes with it",
    S3: "make another key, start all processes with it, and then withdraw the one of before:"
    " presigned URLs end with it",
}


class Command(BaseCommand):
    help = (
        "Says which keys and passwords there are and what making them anew does; with --apply,"
        " does it: those of the data folder of `up`, which a running one takes into use by starting"
        " all its parts again, some ten seconds long, and one that is stopped when it starts next."
        " For keys that are given from outside it says what to set, and encrypts anew what"
        " SECRET_KEY_FALLBACKS have encrypted. Interrupted at any point, nothing is lost: run it"
        " again."
    )
    examples: ClassVar[tuple[str, ...]] = (
        "rotate_keys",
        "rotate_keys --json",
        "rotate_keys --only secret_key,hook_secret --apply",
        "rotate_keys --forget --apply",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--apply", action="store_true", help="do it")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")
        what = parser.add_mutually_exclusive_group()
        what.add_argument(
            "--only",
            metavar="PARTS",
            type=lambda text: text.split(","),
            help=f"these alone, with commas between: {', '.join(PARTS)}",
        )
        what.add_argument(
            "--encrypt",
            action="store_true",
            help="only encrypt anew what older keys have encrypted, as `up` does by itself",
        )
        what.add_argument(
            "--forget",
            action="store_true",
            help="have keys of before hold no longer: who is logged in by them logs in again",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if unknown := set(options["only"] or ()).difference(PARTS):
            raise CommandError(
                f"There is no {', '.join(sorted(unknown))}: there are {', '.join(PARTS)}.",
                returncode=2,
            )
        self.as_json = options["json"]
        if options["encrypt"]:
            self.encrypt(apply=True)
        elif options["forget"]:
            self.forget(options["apply"])
        else:
            self.renew(options["only"] or PARTS, options["apply"])
        if not options["apply"] and not options["encrypt"]:
            self.stderr.write("Nothing was done; --apply does it.")

    def renew(self, parts: tuple[str, ...] | list[str], apply: bool) -> None:
        """Say of each what is to be done, and do it."""
        ours = [part for part in parts if part in of_data_folder()]
        for part in parts:
            says = ANEW[part] if part in ours else f"given from outside: {OUTSIDE[part]}"
            self.tell(part=part, embedded=part in ours, says=says)
        if apply and ours:
            rotation.renew(settings.DATA_FOLDER, ours)
            self.have_taken()
        if SECRET_KEY in parts and not settings.SECRET_KEY_IS_EMBEDDED:
            self.encrypt(apply)

    def encrypt(self, apply: bool) -> None:
        """Tell of each column what older keys have encrypted, and encrypt it anew."""
        for column in COLUMNS:
            done = column.encrypt_anew() if apply else column.by_older_keys()
            is_done = "encrypted anew" if apply else "encrypted by keys of before"
            self.tell(column=column.name, rows=done, says=f"{done:,} {is_done}")

    def forget(self, apply: bool) -> None:
        """Have fallbacks of SECRET_KEY hold no longer."""
        if not settings.SECRET_KEY_IS_EMBEDDED:
            raise CommandError("SECRET_KEY is given from outside: leave out SECRET_KEY_FALLBACKS.")
        if rotation.is_asked_for(settings.DATA_FOLDER):
            raise CommandError("New keys are not in use yet: start `up`, and run this then.")
        count = len(settings.SECRET_KEY_FALLBACKS)
        self.tell(part=SECRET_KEY, embedded=True, says=f"{count} keys of before hold no longer")
        if apply and count:
            rotation.forget(settings.DATA_FOLDER)
            self.have_taken()

    def have_taken(self) -> None:
        """Wait until a running `up` has taken the new keys into use. Raises CommandError."""
        folder = settings.DATA_FOLDER
        if not state.held_by(folder):
            self.stderr.write("In use as soon as `up` starts.")
            return
        until = time.monotonic() + RESTART_SECONDS
        with progress("up starts again", None, "s") as bar:
            while rotation.is_asked_for(folder):
                if time.monotonic() > until:
                    raise CommandError(
                        f"They are made, and not in use yet: what holds {folder}"
                        f" ({state.held_by(folder)}) has not taken them. Stop it, and start `up`."
                    )
                time.sleep(LOOK_SECONDS)
                bar.update(LOOK_SECONDS)
        self.stderr.write("In use.")

    def tell(self, **told: Any) -> None:
        """One line of what there is."""
        name = told.get("part") or told.get("column")
        self.stdout.write(json.dumps(told) if self.as_json else f"{name}: {told['says']}")


def of_data_folder() -> list[str]:
    """What the data folder keeps, and nobody gives from outside."""
    here = {
        SECRET_KEY: settings.SECRET_KEY_IS_EMBEDDED,
        HOOK_SECRET: settings.HOOK_SECRET_IS_EMBEDDED,
        POSTGRES: settings.DATABASE_IS_EMBEDDED,
        S3: settings.S3_IS_EMBEDDED,
    }
    return [part for part in PARTS if here[part]]
