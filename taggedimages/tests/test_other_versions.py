"""Programs of one version on the schema of another say so, and fail at nothing for ever."""

import logging
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from django.db import connection, migrations
from django.db.migrations import Migration
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState
from rest_framework.test import APIClient

from taggedimages.factories import make_image, make_user
from taggedimages.management.commands.work import Command as Work
from taggedimages.postgresql.migrating import ResumableExecutor, known, newer, pending

pytestmark = pytest.mark.django_db(transaction=True)
LAST = max(name for app, name in known() if app == "images")
# Who waits for a lock of the table.
WAITERS = """
SELECT pg_sleep(0.01) FROM pg_locks WHERE NOT granted AND relation = 'identity_user'::regclass
"""
APIS = ["/v1/images", "/api/v2/images", "/current/api/v2/images"]


@pytest.fixture
def other_columns() -> Iterator[None]:
    """A table in which this version misses a column, with an image in it."""
    make_image()
    rename = "ALTER TABLE images_image RENAME {} TO {}"
    with connection.cursor() as cursor:
        cursor.execute(rename.format("filename", "elsewhere"))
    yield
    # Who met it may have closed the connection.
    with connection.cursor() as cursor:
        cursor.execute(rename.format("elsewhere", "filename"))


@pytest.fixture
def earlier_schema(other_columns: None) -> Iterator[None]:
    """The last migration of images was not applied."""
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied("images", LAST)
    yield
    recorder.record_applied("images", LAST)


@pytest.fixture
def later_schema(other_columns: None) -> Iterator[str]:
    """A migration was applied of which this version knows nothing."""
    recorder = MigrationRecorder(connection)
    recorder.record_applied("images", "9999_of_tomorrow")
    yield "images.9999_of_tomorrow"
    recorder.record_unapplied("images", "9999_of_tomorrow")


@pytest.mark.parametrize("path", APIS)
def test_a_request_before_prepare_is_told_to_come_again(
    earlier_schema: None, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = APIClient(raise_request_exception=False).get(path)
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert "not prepared for this version yet" in answer.content.decode()
    assert f"Run manage.py prepare: the database lacks images.{LAST}." in caplog.messages


def test_a_request_to_a_version_that_is_gone_is_told_to_come_again(
    later_schema: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = APIClient(raise_request_exception=False).get("/v1/images")
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert answer.json()["message"] == "The database is prepared for a later version."
    assert f"Run the version that has prepared the database: {later_schema}." in caplog.messages


def test_a_defect_of_ours_is_still_told_as_one(other_columns: None) -> None:
    answer = APIClient(raise_request_exception=False).get("/v1/images")
    assert answer.status_code == 500


def test_an_old_process_stays_ready_beside_a_later_schema() -> None:
    """Else all that serve would leave the balancer at once, before any new one has come."""
    recorder = MigrationRecorder(connection)
    recorder.record_applied("images", "9999_of_tomorrow")
    try:
        assert newer(connection) == ["images.9999_of_tomorrow"]
        assert pending(connection) == []
        assert APIClient().get("/readyz").json()["database"] == "ok"
    finally:
        recorder.record_unapplied("images", "9999_of_tomorrow")


def test_the_worker_waits_for_prepare(
    earlier_schema: None, caplog: pytest.LogCaptureFixture
) -> None:
    def look() -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SELECT filename FROM images_image")
        return 0

    nothing = threading.Event()
    with caplog.at_level(logging.WARNING):
        done = Work().sweep(nothing, look, look, look, look, look, look)
    assert done == 0
    assert any("not prepared for this version yet" in message for message in caplog.messages)


def test_readers_go_on_while_a_migration_waits_for_a_lock() -> None:
    """A long transaction reads the table; the migration comes in between it and others."""
    make_user()
    migration = Migration("0001_probe", "probe")
    statement = "ALTER TABLE identity_user SET (fillfactor = 90)"
    vars(migration).update(operations=[migrations.RunSQL(statement)], atomic=True)

    def migrate() -> None:
        try:
            ResumableExecutor(connection).apply_migration(ProjectState(), migration)
        finally:
            connection.close()

    thread = threading.Thread(target=migrate)
    with closing(connection.copy()) as long, closing(connection.copy()) as other:
        long.set_autocommit(False)
        long.cursor().execute("SELECT FROM identity_user")
        thread.start()
        with other.cursor() as reader:
            reader.execute("SET lock_timeout = '20s'")
            # Behind the migration, which gives up, comes again and gives up again.
            for _ in range(2):
                reader.execute(WAITERS)
                while not reader.rowcount and thread.is_alive():
                    reader.execute(WAITERS)
                reader.execute("SELECT count(*) FROM identity_user")
                assert reader.fetchone() == (1,)
        long.rollback()
        thread.join(60)
    assert not thread.is_alive()
    with connection.cursor() as cursor:
        cursor.execute("SELECT reloptions FROM pg_class WHERE relname = 'identity_user'")
        assert cursor.fetchone() == (["fillfactor=90"],)
        cursor.execute("ALTER TABLE identity_user RESET (fillfactor)")
    MigrationRecorder(connection).migration_qs.filter(app="probe").delete()
