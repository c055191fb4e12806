"""Make database and bucket ready to serve: schema, bucket, and the first admin."""

import secrets
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from images import storage
from taggedimages.identity.models import User
from tags import normalising


class Command(BaseCommand):
    help = (
        "Migrates the database, creates the bucket if missing, lets the pages of"
        " TAGGEDIMAGES_CORS_ORIGINS use it and, with --admin, makes an admin."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--admin", action="store_true", help="create `admin` if nobody is")

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        self.stdout.write("The schema is up to date.")
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
            User.objects.create_superuser("admin", password=password)
            self.stdout.write(f"Admin: user admin, password {password} (shown this once).")

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
