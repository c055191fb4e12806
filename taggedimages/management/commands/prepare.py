"""Make database and bucket ready to serve: schema, bucket, and the first admin."""

import secrets
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.db import connection, transaction

from images import storage
from taggedimages.backup import restoring
from taggedimages.checks import SETTINGS
from taggedimages.identity.models import User
from taggedimages.management import base
from taggedimages.postgresql import migrating, schema
from tags import normalising


class Command(base.Command):
    help = (
        "Migrates the database, creates the bucket if missing, lets the pages of"
        " TAGGEDIMAGES_CORS_ORIGINS use it and, with --admin, makes an admin."
    )
    examples = (
        "prepare",
        "prepare --admin",
    )
    requires_system_checks = [SETTINGS]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--admin", action="store_true", help="create `admin` if nobody is")

    def handle(self, *args: Any, **options: Any) -> None:
        if restoring.is_half_restored():
            raise CommandError(restoring.HALF_RESTORED)
        self.migrate()
        if odd := sum(1 for _ in normalising.odd_names()):
            self.stdout.write(f"{odd} tags have odd names: manage.py tagnames lists them.")
        try:
            storage.ensure_bucket()
        except storage.StorageUnavailable as error:
            raise CommandError(str(error)) from error
        self.stdout.write("The bucket is there.")
        self.allow_origins(settings.S3_CORS_ORIGINS)
        if options["admin"] and not User.objects.filter(is_superuser=True).exists():
            password = secrets.token_urlsafe(12)
            # Said before it counts: nobody has an admin whose password was read by nobody.
            with transaction.atomic():
                User.objects.create_superuser("admin", password=password)
                self.stdout.write(f"Admin: user admin, password {password} (shown this once).")
                self.stdout.flush()

    def migrate(self) -> None:
        """Bring the schema to this version. Raises CommandError where it is of a later one, or
        other than the migrations make it."""
        if newer := migrating.newer(connection):
            raise CommandError(
                f"A later version has prepared this database: it has {', '.join(newer)}, which this"
                " version does not know. Run that version, or restore a backup of before."
            )
        call_command("migrate", interactive=False, verbosity=0)
        if differences := schema.differences(connection):
            for difference in differences:
                self.stderr.write(difference)
            raise CommandError(
                f"All migrations are applied, and the schema still differs in"
                f" {len(differences)} places from what they make. docs/operating/upgrading.md has"
                " what to do."
            )
        self.stdout.write("The schema is up to date.")

    def allow_origins(self, origins: list[str]) -> None:
        """Put them on the bucket, whose owner may have kept that for themselves."""
        if not origins:
            return
        try:
            storage.allow_origins(origins)
        except storage.StorageUnavailable as error:
            self.stderr.write(
                f"Warning: the CORS rules of the bucket could not be set. {error} Pages of other"
                " origins cannot upload to it nor read from it until its owner allows GET, PUT,"
                f" POST and HEAD with any header, and exposes ETag, for: {', '.join(origins)}"
            )
        else:
            self.stdout.write("Pages of other origins may use the bucket.")
