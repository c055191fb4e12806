"""Migrations that may be killed at any moment: the next `migrate` goes on where that one ended.

Django records a migration after its transaction where constraints or indexes were put off to its
end, and one that is not atomic only as a whole: whoever is killed in between finds tables that are
there already, for ever. So the record is written in the transaction of the work that it tells of,
for each step of a migration that is not atomic.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any

from django.contrib.postgres.operations import NotInTransactionMixin
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration, RunPython
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations.base import Operation
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState

# A number of ours: PostgreSQL's advisory locks have no names.
MIGRATING = 7_308_604_759
# They commit by themselves as they go, and can be repeated.
REPEATABLE = (NotInTransactionMixin, RunPython)


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
            with transaction.atomic(self.connection.alias):
                return super().apply_migration(state, migration, fake, fake_initial)
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
        with transaction.atomic(schema_editor.connection.alias):
            self.operation.database_forwards(app_label, schema_editor, *states)
            while schema_editor.deferred_sql:
                schema_editor.execute(schema_editor.deferred_sql.pop(0))
            self.recorder.record_applied(**record)
