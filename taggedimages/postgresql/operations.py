"""What migrations of large live tables are made of."""

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import OperationalError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.operations import RunSQL

from taggedimages.transactions import LOCK_NOT_AVAILABLE, sqlstate

logger = logging.getLogger(__name__)
R = TypeVar("R")

# While a migration waits for a lock of a table, all others wait behind it.
LOCK_WAIT = "1s"
LOCK_PAUSE_SECONDS = 2
LOCK_TRIES = 300


class BuildIndex(AddIndexConcurrently):
    """Makes an index while the table is written; run again, it begins anew.

    PostgreSQL leaves an invalid index behind where it was interrupted.
    """

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        name = schema_editor.quote_name(self.index.name)
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        super().database_forwards(app_label, schema_editor, from_state, to_state)


class RunBriefly(RunSQL):
    """SQL, in a transaction of its own, that needs a lock of tables which others use (`briefly`).

    For migrations that are not atomic; the SQL can be repeated.
    """

    def _run_sql(self, schema_editor: Any, sqls: Any) -> None:
        run = super()._run_sql  # type: ignore[misc]  # unknown to stubs
        briefly(schema_editor.connection, partial(run, schema_editor, sqls))


def briefly(connection: BaseDatabaseWrapper, work: Callable[[], R]) -> R:
    """Do what needs locks of tables that others use, in a transaction.

    It gives up after a second of waiting and comes again, so that requests never queue for longer
    behind it; after ten minutes it raises OperationalError. Within a transaction, which cannot be
    begun again, it waits as long as that does.
    """
    if connection.in_atomic_block:
        return work()
    for tries_left in reversed(range(LOCK_TRIES)):
        try:
            with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'")
                return work()
        except OperationalError as error:
            if sqlstate(error) != LOCK_NOT_AVAILABLE or not tries_left:
                raise
            logger.warning("Others use a table that is to be changed; trying again.")
            time.sleep(LOCK_PAUSE_SECONDS)
    raise AssertionError("unreachable")
