"""Create a user, a project and a fresh set of credentials, and print them as JSON."""

import json
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser

from taggedimages.identity import credentials
from taggedimages.management import base


class Command(base.Command):
    help = "Creates what is missing of user and project, adds credentials, prints one JSON object."
    examples = (
        "credentials mira --project clinic",
        "credentials mira --staff --password",
        "credentials mira --revoke",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--project", metavar="PROJECT_ID", help="created when missing")
        parser.add_argument("--staff", action="store_true", help="sees and edits every image")
        parser.add_argument(
            "--password",
            action="store_true",
            help="give the user a new password, printed too: for OpenStack clients and the admin",
        )
        parser.add_argument("--revoke", action="store_true", help="end the user's older sets")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            issued = credentials.issue(
                options["username"],
                options["project"],
                staff=options["staff"],
                revoke=options["revoke"],
                password=options["password"],
            )
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        self.stdout.write(json.dumps(issued.as_dict()))
