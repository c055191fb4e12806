"""Do what time alone decides: end abandoned uploads, empty the trash, remove deleted files."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from images import purging, storage


class Command(BaseCommand):
    help = (
        "Ends abandoned uploads, aborts stale uploads in parts, empties the trash and removes "
        "the files of deleted images after their retention. The worker does it by itself too."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = purging.purge()
        except storage.StorageUnavailable as error:
            raise CommandError(f"{error} What is left is done next time.") from error
        self.stdout.write(
            ", ".join(f"{name.replace('_', ' ')}: {count}" for name, count in done.items())
        )
