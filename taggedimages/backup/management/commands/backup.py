"""Back the service up into a folder, or look whether a backup is whole."""

import json
from pathlib import Path
from typing import Any, ClassVar

from django.core.management.base import CommandError, CommandParser

from images import storage
from taggedimages.backup import making
from taggedimages.backup.checking import check
from taggedimages.backup.folder import Folder, Unusable
from taggedimages.backup.making import Made
from taggedimages.backup.programs import ProgramFailed
from taggedimages.management import base

AT_ONCE = 4


class Command(base.Command):
    help = (
        "Backs up database and bucket into a folder, beside the running service: the database as it"
        " is at one instant, and the files that it names. Run again, it copies only what is new."
        " The folder holds one backup, the last one that came to its end, with the keys that read"
        " it: whoever can read the folder can read everything."
    )
    examples: ClassVar[tuple[str, ...]] = (
        "backup /srv/backups/taggedimages",
        "backup /srv/backups/taggedimages --deep --json",
        "backup /srv/backups/taggedimages --check",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR", help="a folder of its own")
        mode = parser.add_mutually_exclusive_group()
        mode.add_argument(
            "--deep",
            action="store_true",
            help="read again every file that is in the backup, and copy anew what is damaged",
        )
        mode.add_argument(
            "--check",
            action="store_true",
            help="make none: read the whole backup that is there, and tell whether it is as it was",
        )
        parser.add_argument(
            "--jobs",
            type=at_once,
            default=AT_ONCE,
            metavar="N",
            help=f"tables and files at once ({AT_ONCE})",
        )
        parser.add_argument("--json", action="store_true", help="one JSON object at the end")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["check"]:
                self.check_only(Folder(options["folder"]), options)
            else:
                self.make(options)
        except (Unusable, ProgramFailed) as error:
            raise CommandError(str(error)) from error
        except storage.StorageUnavailable as error:
            raise CommandError(
                f"{error} The backup of before is left as it was; run it again, and what was"
                " copied is not copied once more."
            ) from error
        except OSError as error:
            raise CommandError(f"{error} The backup of before is left as it was.") from error

    def check_only(self, folder: Folder, options: dict[str, Any]) -> None:
        """Read the backup that is there."""
        with folder.read():
            manifest = check(folder, options["jobs"])
        told = {"run": manifest.run, "objects": manifest.objects, "missing": manifest.missing}
        line = f"The backup of {manifest.started_at} is as it was: {manifest.objects} objects."
        self.stdout.write(json.dumps(told) if options["json"] else line)

    def make(self, options: dict[str, Any]) -> None:
        """Make a backup, and tell of it."""
        made = making.make(
            options["folder"], options["jobs"], deep=options["deep"], warn=self.stderr.write
        )
        self.stdout.write(json.dumps(made.whole()) if options["json"] else _sentence(made))
        copied = made.copied
        if copied.kept:
            self.stderr.write(
                f"{copied.kept} objects that the bucket no longer has as it should are in the"
                " backup still, from before."
            )
        if copied.missing:
            self.stderr.write(
                f"{copied.missing} objects are in neither: `reconcile` tells of files that are"
                " lost, `reprocess` makes previews anew."
            )
        if copied.missing or copied.kept:
            raise CommandError("The backup was made, and is not whole.", returncode=1)


def at_once(text: str) -> int:
    """How many at once, from 1 to 64."""
    number = int(text)
    if not 1 <= number <= 64:
        raise ValueError(text)
    return number


def _sentence(made: Made) -> str:
    manifest, copied = made.manifest, made.copied
    return (
        f"Backed up {manifest.images} images as of {manifest.started_at}: {manifest.objects}"
        f" objects of {manifest.bytes} bytes, {copied.new_objects} of them new"
        f" ({copied.new_bytes} bytes); {made.removed} old files removed."
    )
