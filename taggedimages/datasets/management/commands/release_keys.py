"""The keys that sign statements of releases: lists them, and makes a new one."""

import json
from typing import Any

from django.core.management.base import CommandParser

from taggedimages.datasets import signing
from taggedimages.datasets.models import SigningKey
from taggedimages.management import base


class Command(base.Command):
    help = "Lists the keys that sign releases; --rotate has a new one sign from now on."
    examples = (
        "release_keys",
        "release_keys --json",
        "release_keys --rotate",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--rotate",
            action="store_true",
            help="Make a new key. What old ones signed is still verified.",
        )
        parser.add_argument("--json", action="store_true", help="one object for each, a line")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["rotate"]:
            signing.rotate()
        keys = SigningKey.objects.order_by("-id")
        for key in keys:
            line = f"{key.kid}  {_told(key)}"
            self.stdout.write(json.dumps(_whole(key)) if options["json"] else line)
        if not keys and not options["json"]:
            self.stdout.write("No key yet: the first release makes one.")


def _whole(key: SigningKey) -> dict[str, Any]:
    retired_at = key.retired_at and key.retired_at.isoformat()
    return {"kid": key.kid, "created": key.created_at.isoformat(), "retired": retired_at}


def _told(key: SigningKey) -> str:
    since = f"{key.created_at:%Y-%m-%d %H:%M} UTC"
    if key.retired_at is None:
        return f"signs since {since}"
    return f"signed from {since} to {key.retired_at:%Y-%m-%d %H:%M} UTC"
