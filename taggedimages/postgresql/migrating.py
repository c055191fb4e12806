"""Migrations that may be killed at any moment: the next `migrate` goes on where that one ended; and
which of them a database has.

Django records a migration after its transaction where constraints or indexes were put off to its
end, and one that is not atomic only as a whole: whoever is killed in between finds tables that are
there already, for ever. So the record is written in the transaction of the work that it tells of,
for each step of a migration that is not atomic.
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from copy import copy
from functools import cache, partial
from pathlib import Path
from typing import Any

from django.apps import apps
from django.contrib.postgres.operations import NotInTransactionMixin
from django.db import DEFAULT_DB_ALIAS, DatabaseError, Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration, RunPython
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations.base import Operation
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState

from taggedimages.postgresql.operations import briefly
from taggedimages.transactions import sqlstate

logger = logging.getLogger(__name__)

# PostgreSQL's codes for a table, a column or a function that is not there, and for a column that
# wants a value of which the statement knows nothing.
OTHER_SCHEMA = {"42P01", "42703", "42883", "23502"}
# A number of ours: PostgreSQL's advisory locks have no names.
MIGRATING = 7_308_604_759
# They commit by themselves as they go, and can be repeated.
REPEATABLE = (NotInTransactionMixin, RunPython)


@cache
def known() -> frozenset[tuple[str, str]]:
    """App and name of each migration of this version, told by their files."""
    return frozenset(
        (app.label, file.stem)
        for app in apps.get_app_configs()
        for file in (Path(app.path) / "migrations").glob("[!_]*.py")
    )


def pending(connection: BaseDatabaseWrapper) -> list[str]:
    """The migrations that this version has and the database has not, as `app.name`."""
    return _named(known() - MigrationRecorder(connection).applied_migrations().keys())


def newer(connection: BaseDatabaseWrapper) -> list[str]:
    """The migrations that a later version has brought, as `app.name`: they are numbered higher than
    any of the same app that this version has."""
    last = dict(sorted(known()))
    applied = MigrationRecorder(connection).applied_migrations().keys()
    return _named((app, name) for app, name in applied if name[:4] > last.get(app, name)[:4])


def unfit(error: Error) -> str:
    """What to tell of an error that comes of a schema of another version; "" of others."""
    if sqlstate(error) not in OTHER_SCHEMA:
        return ""
    try:
        # The connection that met it may be in a transaction, which has failed.
        with closing(connections[DEFAULT_DB_ALIAS].copy()) as connection:
            if lacking := pending(connection):
                logger.error("Run manage.py prepare: the database lacks %s.", ", ".join(lacking))
                return "The database is not prepared for this version yet."
            if later := newer(connection):
                logger.error(
                    "Run the version that has prepared the database: %s.", ", ".join(later)
                )
                return "The database is prepared for a later version."
    except DatabaseError:
        logger.exception("It cannot be told of which version the database is.")
    return ""


def _named(migrations: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{app}.{name}" for app, name in sorted(migrations)]


@contextmanager
def alone(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Have no other process migrate meanwhile; waits, also for the session of one that was killed
    and whose last statement still runs."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATING])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATING])


class ResumableExecutor(MigrationExecutor):
    """Applies migrations so that none is left half done without a record of it."""

    def apply_migration(
        self,
        state: ProjectState,
        migration: Migration,
        fake: bool = False,
        fake_initial: bool = False,
    ) -> ProjectState:
        if migration.atomic:
            # A try that is given up leaves a state that is half changed.
            return briefly(
                self.connection,
                partial(self._apply_at_once, state, migration, fake, fake_initial),
            )
        steps = [
            Step(operation, f"{migration.name}, step {number}", migration, self.recorder)
            for number, operation in enumerate(migration.operations, 1)
        ]
        stepwise = copy(migration)
        vars(stepwise).update(operations=steps)
        applied = super().apply_migration(state, stepwise, fake, fake_initial)
        names = [step.name for step in steps]
        self.recorder.migration_qs.filter(app=migration.app_label, name__in=names).delete()
        return applied

    def _apply_at_once(
        self, state: ProjectState, migration: Migration, fake: bool, fake_initial: bool
    ) -> ProjectState:
        return super().apply_migration(state.clone(), migration, fake, fake_initial)


class Step:
    """An operation of a migration that is not atomic, done once however often it is begun.

    Stands for the operation in all else. What it has done is told by a row among the migrations
    that were applied, which is there until the migration itself has one.
    """

    def __init__(
        self, operation: Operation, name: str, migration: Migration, recorder: MigrationRecorder
    ) -> None:
        self.operation, self.name = operation, name
        self.migration, self.recorder = migration, recorder

    def __getattr__(self, name: str) -> Any:
        return getattr(self.operation, name)

    def database_forwards(self, app_label: str, schema_editor: Any, *states: ProjectState) -> None:
        """Do what the operation does, unless it was done."""
        record = {"app": self.migration.app_label, "name": self.name}
        if self.recorder.has_table() and self.recorder.migration_qs.filter(**record).exists():
            return
        if isinstance(self.operation, REPEATABLE):
            self.operation.database_forwards(app_label, schema_editor, *states)
            self.recorder.record_applied(**record)
            return

        def run() -> None:
            self.operation.database_forwards(app_label, schema_editor, *states)
            while schema_editor.deferred_sql:
                schema_editor.execute(schema_editor.deferred_sql.pop(0))
            self.recorder.record_applied(**record)

        briefly(schema_editor.connection, run)
