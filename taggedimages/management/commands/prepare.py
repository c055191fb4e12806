"""Make database and bucket ready to serve: schema, bucket, and the first admin."""

import secrets
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from images import storage
from taggedimages.identity.models import User


class Command(BaseCommand):
    help = "Migrates the database, creates the bucket if missing and, with --admin, an admin."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--admin", action="store_true", help="create `admin` if nobody is")

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        self.stdout.write("The schema is up to date.")
        try:
            storage.ensure_bucket()
        except storage.StorageUnavailable as error:
            raise CommandError(str(error)) from error
        self.stdout.write("The bucket is there.")
        if options["admin"] and not User.objects.filter(is_superuser=True).exists():
            password = secrets.token_urlsafe(12)
            # Said before it counts: nobody has an admin whose password was read by nobody.
            with transaction.atomic():
                User.objects.create_superuser("admin", password=password)
                self.stdout.write(f"Admin: user admin, password {password} (shown this once).")
                self.stdout.flush()
