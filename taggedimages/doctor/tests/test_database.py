"""PostgreSQL as the doctor sees it, with real faults in a real server."""

import os
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from django.db import connection

from taggedimages.doctor import clocks, database
from taggedimages.doctor.findings import Status
from taggedimages.doctor.tests.told import examined, one, statuses
from taggedimages.engines import state

pytestmark = pytest.mark.django_db

DATABASE = ("database", "database_clock", "migrations", "connections", "transactions", "tables")


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture
def other_session():
    """Somebody else's session, with the rights of the service."""
    url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**connection.settings_dict)
    with closing(psycopg2.connect(url, application_name="a shell")) as session:
        yield session


@pytest.fixture
def superuser():
    """The superuser of the session's server, in the test's database; each statement for itself."""
    known = state.load(Path(os.environ["TAGGEDIMAGES_DATA"]))
    assert known
    name = str(connection.settings_dict["NAME"])
    with closing(psycopg2.connect(known.superuser_url(name))) as session:
        session.autocommit = True
        with session.cursor() as cursor:
            yield cursor


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_well_but_for_what_tests_have_turned_off():
    (line,) = examined("database")
    assert line.says == "fsync or full_page_writes is off."
    others = statuses(*DATABASE[1:], "replication")
    assert others == dict.fromkeys((*DATABASE[1:], "replication"), Status.OK)


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_fails_and_nothing_more_is_asked_of_it(monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    assert statuses(*DATABASE) == {
        "database": Status.FAIL,
        **dict.fromkeys(DATABASE[1:], Status.WARN),
    }


@pytest.mark.django_db(transaction=True)
def test_no_password_is_told_where_it_is_wrong(monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "PASSWORD", "wrong-Secret-7")
    (line,) = examined("database")
    assert line.status == Status.FAIL
    assert "password authentication failed" in line.says
    assert "wrong-Secret-7" not in " ".join(line)


def test_what_was_written_to_see_whether_it_can_be_is_gone():
    list(database.answers())
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('doctor_probe')")
        assert cursor.fetchone() == (None,)


def test_a_database_that_takes_no_writes_fails():
    run("SET LOCAL transaction_read_only = on")
    told = [found.says for found in database.answers()]
    assert "The database takes no writes: it is a replica, or was set read-only." in told


def test_migrations_that_are_pending_are_named():
    run("DELETE FROM django_migrations WHERE app = 'doctor'")
    found = one(database.migrations())
    assert found.status == Status.FAIL
    assert found.says == "1 migrations are pending: doctor.0001_initial."
    assert found.do == "Run `manage.py prepare`."


def test_a_database_of_a_newer_version_is_told():
    run("INSERT INTO django_migrations (app, name, applied) VALUES ('images', '9999_x', now())")
    found = one(database.migrations())
    assert found.status == Status.FAIL
    assert "images.9999_x" in found.says


def test_a_schema_that_was_changed_is_told():
    run("ALTER TABLE images_image DROP COLUMN description CASCADE")
    found = one(database.migrations())
    assert found.status == Status.FAIL
    assert "images_image.description" in found.says
    assert "docs/operating/upgrading.md" in found.do


def test_whoever_is_idle_in_a_transaction_is_named(other_session, monkeypatch):
    other_session.cursor().execute("SELECT 1")
    assert one(database.transactions()).status == Status.OK
    monkeypatch.setattr(database, "IDLE_SECONDS", -1)
    found = one(database.transactions())
    pid = other_session.info.backend_pid
    assert found.says.startswith(f"Session {pid} (a shell) is idle in a transaction")
    assert f"pg_terminate_backend({pid})" in found.do


def test_connections_that_are_nearly_all_taken_are_told(monkeypatch):
    assert one(database.connection_room()).status == Status.OK
    monkeypatch.setattr(database, "MANY_CONNECTIONS", 0)
    assert one(database.connection_room()).status == Status.WARN
    monkeypatch.setattr(database, "ALL_CONNECTIONS", 0)
    assert one(database.connection_room()).status == Status.FAIL


def test_rows_that_grow_old_are_told_before_writes_end(monkeypatch):
    monkeypatch.setattr(database, "OLD_TRANSACTIONS", 0)
    found = one(database.tables())
    assert found.status == Status.WARN
    assert "VACUUM (FREEZE)" in found.do
    monkeypatch.setattr(database, "TOO_OLD_TRANSACTIONS", 0)
    assert one(database.tables()).status == Status.FAIL


def test_a_large_table_without_statistics_is_told():
    run("CREATE TABLE unknown AS SELECT repeat('x', 900) FROM generate_series(1, 13000)")
    found = one(database.tables())
    assert found.says.startswith("unknown (")
    assert found.do.startswith("Run ANALYZE unknown")


@pytest.mark.django_db(transaction=True)
def test_an_index_that_was_not_built_to_its_end_is_told():
    run("CREATE TABLE twins AS SELECT 1 AS n UNION ALL SELECT 1")
    try:
        with pytest.raises(Exception, match="could not create unique index"):
            run("CREATE UNIQUE INDEX CONCURRENTLY half_built ON twins (n)")
        found = one(database.tables())
        assert found.says.startswith("The index half_built was not built")
        assert "REINDEX INDEX CONCURRENTLY half_built" in found.do
    finally:
        run("DROP TABLE twins")


def test_a_slot_that_keeps_log_for_nobody_is_told(superuser, monkeypatch):
    superuser.execute("SELECT pg_create_physical_replication_slot('gone', true)")
    try:
        assert one(database.replication()).status == Status.OK
        monkeypatch.setattr(database, "KEPT_BYTES", -1)
        found = one(database.replication())
        assert found.status == Status.WARN
        assert found.says.startswith("The replication slot gone keeps")
        assert "pg_drop_replication_slot('gone')" in found.do
    finally:
        superuser.execute("SELECT pg_drop_replication_slot('gone')")


def test_a_superuser_is_more_than_the_service_needs(superuser):
    superuser.execute(database.SERVER)
    told = [found.says for found in database._faults(*superuser.fetchone())]
    assert "The service works as a superuser of PostgreSQL." in told


@pytest.mark.parametrize(
    ("seconds", "status", "says"),
    [
        (0, Status.OK, "The clock of the database is that of this host, to within 5 s."),
        (-30, Status.WARN, "The clock of the database is 30 s behind."),
        (90, Status.FAIL, "The clock of the database is 90 s ahead."),
    ],
)
def test_what_a_difference_of_clocks_means(seconds, status, says):
    found = clocks.judged("database", seconds)
    assert (found.status, found.says) == (status, says)
