"""`migrate` is killed at any moment; the next one goes on (taggedimages.postgresql.migrating)."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, migrations, models
from django.db.migrations import Migration
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState
from django.db.utils import OperationalError

from taggedimages.postgresql.migrating import MIGRATING, ResumableExecutor
from taggedimages.postgresql.operations import BuildIndex

pytestmark = pytest.mark.django_db(transaction=True)
APP = "probe"


class Killed(BaseException):
    """Stands for the signal: no handler is meant for it."""


@pytest.fixture(autouse=True)
def no_trace() -> Iterator[None]:
    yield
    MigrationRecorder(connection).migration_qs.filter(app=APP).delete()
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS probe_thing")


def make_table() -> migrations.CreateModel:
    """A table whose unique text needs an index that Django puts off to the end."""
    fields: list[tuple[str, models.Field[Any, Any]]] = [
        ("id", models.BigAutoField(primary_key=True)),
        ("name", models.CharField(max_length=9, unique=True)),
    ]
    return migrations.CreateModel("Thing", fields)


def migration_of(*operations: Any, atomic: bool) -> Migration:
    migration = Migration("0001_probe", APP)
    vars(migration).update(operations=list(operations), atomic=atomic)
    return migration


def kill(*args: Any, **kwargs: Any) -> None:
    raise Killed


def apply(migration: Migration, record: Callable[..., None] | None = None) -> None:
    """Apply it as `migrate` does; `record` stands for the writing of records."""
    executor = ResumableExecutor(connection)
    if record:
        executor.recorder.record_applied = record  # type: ignore[method-assign]
    executor.apply_migration(ProjectState(), migration)


def recorded() -> set[str]:
    found = MigrationRecorder(connection).migration_qs.filter(app=APP)
    return set(found.values_list("name", flat=True))


def test_an_atomic_one_is_killed_before_its_record() -> None:
    with pytest.raises(Killed):
        apply(migration_of(make_table(), atomic=True), record=kill)
    assert "probe_thing" not in connection.introspection.table_names()
    apply(migration_of(make_table(), atomic=True))
    assert recorded() == {"0001_probe"}


@pytest.mark.parametrize("after", range(4))
def test_one_of_several_steps_is_killed_after_any_of_them(after: int) -> None:
    ran = []

    def dies_once(number: int) -> migrations.RunPython:
        def run(apps: Any, schema_editor: Any) -> None:
            ran.append(number)
            if number == after and ran.count(number) == 1:
                raise Killed

        return migrations.RunPython(run)

    index = models.Index(fields=["name"], name="probe_by_name")
    migration = migration_of(
        dies_once(0),
        make_table(),
        dies_once(1),
        BuildIndex("thing", index),
        dies_once(2),
        migrations.RunSQL("ALTER TABLE probe_thing ADD CHECK (name <> '')"),
        dies_once(3),
        atomic=False,
    )
    with pytest.raises(Killed):
        apply(migration)
    apply(migration)
    assert ran == sorted([0, 1, 2, 3, after])
    assert recorded() == {"0001_probe"}
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, "probe_thing")
    assert sum(constraint["check"] for constraint in found.values()) == 1
    assert {"probe_by_name"} < set(found)
    # What Django puts off, too: the index for LIKE of the unique text.
    assert any(name.endswith("_like") for name in found)


@pytest.mark.parametrize("atomic", [True, False])
def test_one_is_killed_as_it_writes_any_of_its_records(atomic: bool) -> None:
    records = 0
    while True:
        records += 1
        left = records

        def dies_in_time(app: str, name: str) -> None:
            nonlocal left
            left -= 1
            if not left:
                raise Killed
            MigrationRecorder(connection).record_applied(app, name)

        migration = migration_of(
            make_table(), migrations.RunSQL("INSERT INTO probe_thing (name) VALUES ('a')"),
            atomic=atomic,
        )  # fmt: skip
        try:
            apply(migration, record=dies_in_time)
            break
        except Killed:
            apply(migration)
        assert recorded() == {"0001_probe"}
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE probe_thing")
        MigrationRecorder(connection).migration_qs.filter(app=APP).delete()
    assert records == (2 if atomic else 4)


def test_two_do_not_migrate_at_once() -> None:
    with closing(connection.copy()) as other, connection.cursor() as cursor:
        other.cursor().execute("SELECT pg_advisory_lock(%s)", [MIGRATING])
        cursor.execute("SET lock_timeout = '200ms'")
        try:
            with pytest.raises(OperationalError, match="lock timeout"):
                call_command("migrate", verbosity=0)
        finally:
            cursor.execute("RESET lock_timeout")
    call_command("migrate", verbosity=0)
