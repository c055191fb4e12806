"""Restore a backup into an empty place: a data folder, or a database and a bucket."""

import os
from pathlib import Path
from typing import Any, ClassVar

from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser

from images import storage
from taggedimages.backup import restoring
from taggedimages.backup.checking import check
from taggedimages.backup.folder import Folder, Manifest, Unusable
from taggedimages.backup.management.commands.backup import AT_ONCE, at_once
from taggedimages.backup.programs import ProgramFailed
from taggedimages.backup.restoring import NotEmpty
from taggedimages.engines import state
from taggedimages.management import base
from taggedimages.management.base import DONE, MISUSED
from taggedimages.postgresql import history

# All of the backup is there.
NOT_AS_IT_WAS = 3
WHOLE = (DONE, NOT_AS_IT_WAS)
ONE_OF_TWO = (
    "DATABASE_URL and S3_BUCKET are given together, for managed engines, or neither, for a data"
    " folder."
)


class Command(base.Command):
    help = (
        "Restores a backup into an empty place: the data folder that TAGGEDIMAGES_DATA names, whose"
        " engines run meanwhile alone, or the empty database and bucket of DATABASE_URL and"
        " S3_BUCKET. Before anything is written the whole backup is read; afterwards, `verify`"
        " looks at all that is there. The copy runs beside the original: `up --port 8001`."
    )
    examples: ClassVar[tuple[str, ...]] = (
        "restore /srv/backups/taggedimages --data /srv/taggedimages-copy",
    )

    exit_codes: ClassVar[dict[int, str]] = {
        NOT_AS_IT_WAS: "restored, and `verify` found what is not well, such as lost files",
    }

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR", help="the folder of the backup")
        parser.add_argument(
            "--data",
            type=Path,
            metavar="FOLDER",
            help="the data folder, in place of TAGGEDIMAGES_DATA",
        )
        parser.add_argument(
            "--unchecked",
            action="store_true",
            help="do not read the whole backup first: `backup --check` just did",
        )
        parser.add_argument(
            "--jobs",
            type=at_once,
            default=AT_ONCE,
            metavar="N",
            help=f"tables and files at once ({AT_ONCE})",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        given = {bool(os.environ.get("DATABASE_URL")), _has_bucket()}
        if len(given) == 2 or (True in given and options["data"]):
            raise CommandError(ONE_OF_TWO, returncode=MISUSED)
        folder = Folder(options["folder"])
        try:
            with folder.read():
                manifest = folder.whole()
                if True in given:
                    self.into_managed(folder, manifest, options)
                else:
                    self.into_data_folder(folder, manifest, options)
        except (NotEmpty, Unusable, ProgramFailed, storage.StorageUnavailable) as error:
            raise CommandError(str(error)) from error

    def into_managed(self, folder: Folder, manifest: Manifest, options: dict[str, Any]) -> None:
        """Restore into the database and the bucket of the settings."""
        self.read_first(folder, manifest, options)
        restoring.restore(folder, manifest, options["jobs"], self.say)
        call_command("prepare", stdout=self.stdout, stderr=self.stderr)
        history.renew()
        self.say(f"Restored, as of {manifest.started_at}. Now all of it is verified.")
        try:
            call_command("verify", stdout=self.stdout, stderr=self.stderr)
        except CommandError as error:
            raise CommandError(f"Restored, but: {error}", returncode=NOT_AS_IT_WAS) from error

    def into_data_folder(self, folder: Folder, manifest: Manifest, options: dict[str, Any]) -> None:
        """Restore into a data folder, on engines that are started for it."""
        # Not there where nothing is embedded.
        from taggedimages.backup import embedded
        from taggedimages.engines import postgres, privileges, supervisor

        data = (options["data"] or state.data_folder()).resolve()
        embedded.refuse_occupied(data)
        self.read_first(folder, manifest, options)
        try:
            code = embedded.restore(folder, manifest, data, options["jobs"], WHOLE)
        except (
            state.AlreadyRunning,
            privileges.NoAccount,
            postgres.InitFailed,
            supervisor.PartLost,
            OSError,
        ) as error:
            raise CommandError(str(error)) from error
        if code not in WHOLE:
            raise CommandError(state.half_restored(data))
        self.say(f"Start it: TAGGEDIMAGES_DATA={data} manage.py up --port 8001")
        if code:
            raise CommandError("All is restored, and what is not well is above.", returncode=code)

    def read_first(self, folder: Folder, manifest: Manifest, options: dict[str, Any]) -> None:
        """Read the whole backup, before anything is written."""
        if not options["unchecked"]:
            check(folder, options["jobs"])
            self.say(f"The backup of {manifest.started_at} is whole.")
        if manifest.missing:
            self.stderr.write(
                f"{manifest.missing} objects were not in the bucket when the backup was made:"
                f" {folder.path / manifest.run / 'missing.jsonl'} names them."
            )

    def say(self, line: str) -> None:
        """Print at once: another process prints to the same place."""
        self.stdout.write(line)
        self.stdout.flush()


def _has_bucket() -> bool:
    return any(os.environ.get(name) for name in state.BUCKET_VARIABLES)
