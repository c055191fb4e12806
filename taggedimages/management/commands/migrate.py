"""Django's `migrate`, which may be killed at any moment and goes on when it runs again, and which
knows databases of early versions."""

from typing import Any

from django.core.management.commands import migrate
from django.db import connections

from taggedimages.postgresql import earlier
from taggedimages.postgresql.migrating import ResumableExecutor, alone

# The command offers no other place to say so.
vars(migrate).update(MigrationExecutor=ResumableExecutor)


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        with alone(connection):
            earlier.complete(connection)
            super().handle(*args, **options)
