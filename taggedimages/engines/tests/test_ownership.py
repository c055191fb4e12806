"""The service's role in the embedded PostgreSQL, and a cluster of a version that had none."""

import json
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from taggedimages.engines import ownership, postgres, process, state
from taggedimages.engines.ownership import MADE_BY_SUPERUSER
from taggedimages.engines.state import DATABASE, ROLE, State
from taggedimages.engines.tests import store
from taggedimages.engines.tests.conftest import Up, eventually, finish, start

# One of each kind that a database may hold, besides what the service itself makes.
OBJECTS = """
CREATE EXTENSION pg_trgm;
CREATE SCHEMA other;
CREATE TYPE colour AS ENUM ('red');
CREATE TYPE pair AS (a int, b int);
CREATE TYPE span AS RANGE (subtype = float8);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE SEQUENCE alone;
CREATE TABLE "Odd ""name" (id serial PRIMARY KEY, n int GENERATED ALWAYS AS IDENTITY, c colour);
CREATE TABLE other.parted (id int) PARTITION BY RANGE (id);
CREATE TABLE other.part PARTITION OF other.parted FOR VALUES FROM (0) TO (9);
CREATE VIEW seen AS SELECT 1 AS one;
CREATE MATERIALIZED VIEW made AS SELECT 1 AS one;
CREATE FUNCTION doubled(n int, "n n" text) RETURNS int LANGUAGE sql AS 'SELECT 2 * n';
CREATE PROCEDURE nothing() LANGUAGE sql AS '';
CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int);
CREATE COLLATION plain (locale = 'C');
CREATE STATISTICS related ON id, n FROM "Odd ""name";
INSERT INTO "Odd ""name" (c) VALUES ('red');
"""
# What only its owner may do to each of them, and what the service's migrations do.
OWNERS_RIGHTS = """
ALTER TABLE "Odd ""name" ADD COLUMN later int;
ALTER SEQUENCE "Odd ""name_id_seq" RESTART;
ALTER TYPE colour ADD VALUE 'blue';
ALTER TYPE pair ADD ATTRIBUTE c int;
ALTER DOMAIN positive DROP CONSTRAINT positive_check;
CREATE OR REPLACE VIEW seen AS SELECT 1 AS one, 2 AS two;
REFRESH MATERIALIZED VIEW made;
DROP STATISTICS related;
DROP TYPE span;
DROP SEQUENCE alone;
DROP FUNCTION doubled;
DROP PROCEDURE nothing;
DROP AGGREGATE total(int);
DROP COLLATION plain;
DROP SCHEMA other CASCADE;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE TABLE mine (name text);
CREATE INDEX ON mine USING gin (name gin_trgm_ops);
"""
FORBIDDEN = [
    "CREATE ROLE eve",
    "CREATE DATABASE eves",
    f"ALTER ROLE {ROLE} SUPERUSER",
    "ALTER ROLE postgres PASSWORD 'known'",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "SELECT pg_read_file('postgresql.conf')",
    "ALTER SYSTEM SET log_statement = 'all'",
    "SELECT rolpassword FROM pg_authid",
    "SET session_replication_role = replica",
    "CREATE EXTENSION file_fdw",
    "DROP DATABASE postgres",
]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[State]:
    """A cluster as initdb makes it: no role and no database of the service."""
    known = state.load_or_create(tmp_path)
    with served(tmp_path, known):
        yield known


@contextmanager
def served(folder: Path, known: State) -> Iterator[None]:
    part = postgres.part(folder, known)
    running = process.launch(part)
    try:
        assert eventually(lambda: answers(known.superuser_url("postgres")))
        yield
    finally:
        process.stop(part, running)


def answers(url: str) -> bool:
    try:
        return run(url, "SELECT 1") == [(1,)]
    except psycopg2.OperationalError:
        return False


def run(url: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []


def of_an_earlier_version(known: State) -> None:
    """What earlier versions made: the database, and all in it, is the superuser's."""
    run(known.superuser_url("postgres"), f"CREATE DATABASE {DATABASE}")
    run(known.superuser_url(DATABASE), OBJECTS)


def left_to_the_superuser(known: State) -> list[tuple[Any, ...]]:
    return run(known.superuser_url(DATABASE), MADE_BY_SUPERUSER, ownership.FIRST_OF_USERS)


def test_the_service_works_as_a_plain_role(up: Up) -> None:
    asked = "SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication FROM pg_roles WHERE "
    others = "pid <> pg_backend_pid()"

    rights = run(up.state.database_url, asked + "rolname = %s", ROLE)
    working = run(
        up.state.superuser_url(DATABASE),
        f"SELECT DISTINCT usename FROM pg_stat_activity WHERE datname = %s AND {others}",
        DATABASE,
    )

    assert up.is_ready()
    assert rights == [(False,) * 4]
    assert working == [(ROLE,)]


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_that_role_cannot_reach_beyond_its_database(up: Up, statement: str) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        run(up.state.database_url, statement)


def test_a_database_of_an_earlier_version_is_handed_over_whole(running: State) -> None:
    of_an_earlier_version(running)
    assert len(left_to_the_superuser(running)) > 15

    ownership.ensure(running)

    assert left_to_the_superuser(running) == []
    assert run(running.database_url, 'SELECT id, n FROM "Odd ""name"') == [(1, 1)]
    run(running.database_url, OWNERS_RIGHTS)


def test_the_handing_over_happens_as_a_whole_or_not_at_all(
    running: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_an_earlier_version(running)
    before = left_to_the_superuser(running)
    done: list[str] = []
    proper = ownership._run

    def killed(cursor: Any, statement: str, *names: str, **options: Any) -> None:
        if len(done) == 7:
            raise KeyboardInterrupt
        done.append(statement)
        proper(cursor, statement, *names, **options)

    monkeypatch.setattr(ownership, "_run", killed)
    with pytest.raises(KeyboardInterrupt):
        ownership.ensure(running)
    monkeypatch.undo()
    assert left_to_the_superuser(running) == before
    assert not answers(running.database_url)

    ownership.ensure(running)

    assert left_to_the_superuser(running) == []
    assert answers(running.database_url)


def test_an_end_between_role_and_database_is_made_up_for(running: State, tmp_path: Path) -> None:
    run(running.superuser_url("postgres"), f"CREATE ROLE {ROLE} LOGIN")

    assert postgres.part(tmp_path, running).ready()

    run(running.database_url, "CREATE EXTENSION pg_trgm")


def test_a_role_with_another_password_gets_the_one_that_is_kept(
    running: State, tmp_path: Path
) -> None:
    ownership.ensure(running)
    other = replace(running, service_password="another")
    assert not answers(other.database_url)

    assert postgres.part(tmp_path, other).ready()

    assert answers(other.database_url)
    assert not answers(running.database_url)


def test_a_data_folder_of_an_earlier_version_is_taken_over_by_up(tmp_path: Path) -> None:
    data = tmp_path / "data"
    known = state.load_or_create(data)
    with served(data, known):
        of_an_earlier_version(known)
    kept = asdict(known)
    del kept["service_password"]
    (data / "state.json").write_text(json.dumps(kept))

    for run_of_it in ("first", "second"):
        up = start(data)
        try:
            assert up.is_ready()
            store.write(up.state, run_of_it)
            assert store.holds(up.state, "first")
            assert run(up.state.database_url, 'SELECT id, n FROM "Odd ""name"') == [(1, 1)]
            assert left_to_the_superuser(up.state) == []
        finally:
            finish(up)
        # The store of an earlier version had no certificate either.
        shutil.rmtree(data / "seaweedfs" / "tls")
        (data / "seaweedfs" / "security.toml").unlink()
