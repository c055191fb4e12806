"""The service's own role in the embedded PostgreSQL: it owns the database, and is no superuser.

Clusters of earlier versions had none: there the superuser owned all, and worked for the service.
"""

from contextlib import closing
from dataclasses import replace
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import encrypt_password

from taggedimages.engines.state import DATABASE, ROLE, State

PLAIN = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
# What the superuser has made in a database beyond what initdb did, each as an ALTER names it.
# Nothing that follows what it belongs to: indexes, row types, arrays, sequences of columns. No
# extension and no part of one: PostgreSQL has no command for it, and the role needs none of it.
FIRST_OF_USERS = 16_384  # access/transam.h: FirstNormalObjectId
MADE_BY_SUPERUSER = """
WITH made (catalog, id, owner, kind) AS (
    SELECT 'pg_class'::regclass, oid, relowner, 'TABLE' FROM pg_class c
    WHERE relkind IN ('r', 'p', 'v', 'm', 'f') OR relkind = 'S' AND NOT EXISTS (
        SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid
        AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i')
    )
    UNION ALL SELECT 'pg_type'::regclass, oid, typowner, 'TYPE' FROM pg_type t
    WHERE typtype IN ('b', 'c', 'd', 'e', 'r')
    AND NOT EXISTS (SELECT FROM pg_type WHERE typarray = t.oid)
    AND (typrelid = 0 OR (SELECT relkind = 'c' FROM pg_class WHERE oid = typrelid))
    UNION ALL SELECT 'pg_proc'::regclass, oid, proowner, 'ROUTINE' FROM pg_proc
    UNION ALL SELECT 'pg_namespace'::regclass, oid, nspowner, 'SCHEMA' FROM pg_namespace
    UNION ALL SELECT 'pg_collation'::regclass, oid, collowner, 'COLLATION' FROM pg_collation
    UNION ALL SELECT 'pg_statistic_ext'::regclass, oid, stxowner, 'STATISTICS'
    FROM pg_statistic_ext
)
SELECT kind, (pg_identify_object(catalog, id, 0)).identity FROM made
WHERE id >= %s AND owner = (SELECT oid FROM pg_roles WHERE rolname = current_user)
AND NOT EXISTS (
    SELECT FROM pg_depend WHERE classid = catalog AND objid = id AND deptype = 'e'
)
ORDER BY id
"""


def renew_superuser(state: State) -> None:
    """Have the superuser's password be that of the state, where it is still the former one.

    Raises psycopg2.OperationalError where it is neither.
    """
    former = replace(state, postgres_password=state.former_postgres_password)
    with _superuser(former, "postgres") as connection, connection, connection.cursor() as cursor:
        password = encrypt_password(
            state.postgres_password, "postgres", cursor.connection, "scram-sha-256"
        )
        cursor.execute("ALTER ROLE postgres PASSWORD %s", [password])


def ensure(state: State) -> None:
    """Have the role with its password, and its database, with all in it as its own."""
    with _superuser(state, "postgres") as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
            if not cursor.rowcount:
                _make_role(cursor, state)
                _run(cursor, "CREATE DATABASE {} OWNER {}", DATABASE, ROLE)
                return
    with _superuser(state, DATABASE) as connection, connection, connection.cursor() as cursor:
        # One transaction: the role can do nothing until it owns all.
        _make_role(cursor, state)
        cursor.execute(MADE_BY_SUPERUSER, [FIRST_OF_USERS])
        for kind, identity in cursor.fetchall():
            # Both are SQL as they come.
            _run(cursor, f"ALTER {kind} {identity} OWNER TO {{}}", ROLE)
        _run(cursor, "ALTER DATABASE {} OWNER TO {}", DATABASE, ROLE)


def keep_values_to_itself(state: State) -> None:
    """Have the server log no error of the service's statements: their messages quote values.

    The service is told them, and logs them without secrets. What else the server does is logged.
    """
    with _superuser(state, "postgres") as connection, connection, connection.cursor() as cursor:
        cursor.execute("SELECT rolconfig FROM pg_roles WHERE rolname = %s", [ROLE])
        if "log_min_messages=log" not in (cursor.fetchone()[0] or ()):
            _run(cursor, "ALTER ROLE {} SET log_min_messages = 'log'", ROLE)


def _superuser(state: State, database: str) -> closing[Any]:
    return closing(psycopg2.connect(state.superuser_url(database), connect_timeout=2))


def _make_role(cursor: Any, state: State) -> None:
    """The role as it should be, also where it was changed or has another password."""
    # Only a hash travels, and comes into the log where this fails.
    password = encrypt_password(state.service_password, ROLE, cursor.connection, "scram-sha-256")
    cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", [ROLE])
    verb = "ALTER" if cursor.rowcount else "CREATE"
    _run(cursor, f"{verb} ROLE {{}} {PLAIN} PASSWORD %s", ROLE, values=[password])


def _run(cursor: Any, statement: str, *names: str, values: list[str] | None = None) -> None:
    cursor.execute(sql.SQL(statement).format(*map(sql.Identifier, names)), values)
