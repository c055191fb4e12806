"""PostgreSQL: that it answers and takes writes, and what ends badly if nobody looks for years."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection, connections, transaction

from taggedimages.doctor.findings import Away, Finding, amount, fail, ok, span, warn
from taggedimages.postgresql import migrating, schema
from taggedimages.postgresql import replicas as servers
from taggedimages.transactions import DISK_FULL, sqlstate

OLDEST = 150_000
# A share of the connections that the server has for all.
MANY_CONNECTIONS, ALL_CONNECTIONS = 0.8, 0.95
IDLE_SECONDS, LONG_SECONDS = 120, 3_600
# Transactions until PostgreSQL refuses to write: two thousand millions, less three of reserve. It
# begins to freeze rows by force at 200 millions (autovacuum_freeze_max_age).
OLD_TRANSACTIONS, TOO_OLD_TRANSACTIONS = 500_000_000, 1_200_000_000
# Of rows that nobody sees any more, as a share of a table, where these are many.
DEAD_SHARE, DEAD_ROWS = 0.3, 1_000_000
# A table of so many bytes has to be known to the planner.
LARGE_BYTES = 10 * 1024**2
# Write-ahead log that a slot keeps for somebody who does not fetch it.
KEPT_BYTES, TOO_MANY_KEPT_BYTES = 1024**3, 8 * 1024**3
MOST_NAMED = 5
LATE_BYTES = 64 * 1024**2
ROOM_DO = "Give it a larger disk, or free some; docs/operating/doctor.md, When the disk is full."
# About eight megabytes, in a table that is gone with its transaction.
PROBE = """
CREATE UNLOGGED TABLE doctor_probe AS
SELECT n, md5(n::text) || md5(n::text || 'a') AS filler FROM generate_series(1, 80000) n
"""
SERVER = """
SELECT current_setting('server_version'), current_setting('server_version_num')::int,
       current_setting('transaction_read_only')::bool, current_setting('fsync')::bool,
       current_setting('full_page_writes')::bool, current_setting('autovacuum')::bool,
       (SELECT extversion FROM pg_extension WHERE extname = 'pg_trgm'),
       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
       (SELECT sum(checksum_failures) FROM pg_stat_database)
"""
CONNECTIONS = """
SELECT count(*) FILTER (WHERE backend_type = 'client backend'),
       current_setting('max_connections')::int
       - current_setting('superuser_reserved_connections')::int
FROM pg_stat_activity
"""
# Sessions of other roles are told of to superusers and members of pg_read_all_stats alone.
LONGEST = """
SELECT pid, coalesce(application_name, ''), state,
       extract(epoch FROM clock_timestamp() - xact_start)::float,
       extract(epoch FROM clock_timestamp() - state_change)::float
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
ORDER BY xact_start LIMIT 20
"""
PREPARED = """
SELECT gid, extract(epoch FROM clock_timestamp() - prepared)::float FROM pg_prepared_xacts
ORDER BY prepared LIMIT 1
"""
AGES = """
SELECT greatest(age(datfrozenxid), mxid_age(datminmxid)) FROM pg_database
WHERE datname = current_database()
"""
TABLES = """
SELECT c.relname, c.reltuples, pg_table_size(c.oid), coalesce(s.n_dead_tup, 0),
       coalesce(s.n_live_tup, 0)
FROM pg_class c LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
"""
INVALID = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid ORDER BY 1"
SLOTS = """
SELECT slot_name, active, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::float
FROM pg_replication_slots WHERE restart_lsn IS NOT NULL
"""


def answers() -> Iterator[Finding]:
    """Whether the server is there and takes writes. Raises Away."""
    try:
        row = _row(SERVER)
    except OperationalError as error:
        where = "{HOST}:{PORT}".format(**connection.settings_dict)
        said = str(error).strip().partition("\n")[0]
        embedded = "Start it: `manage.py up`; its log is logs/postgres.log in the data folder."
        managed = "See that it runs, and that DATABASE_URL is right."
        do = embedded if settings.DATABASE_IS_EMBEDDED else managed
        if "No space left" in said:
            do = ROOM_DO
        raise Away(f"PostgreSQL at {where} does not answer: {said}", do) from error
    wrong = list(_faults(*row))
    yield from wrong
    if not wrong:
        yield ok(f"PostgreSQL {row[0].split()[0]} answers and takes writes; pg_trgm {row[6]}.")


def _faults(
    version: str,
    number: int,
    is_read_only: bool,
    syncs: bool,
    writes_pages: bool,
    vacuums: bool,
    pg_trgm: str | None,
    is_superuser: bool,
    checksum_failures: int | None,
) -> Iterator[Finding]:
    if number < OLDEST:
        yield fail(f"PostgreSQL {version} is too old.", "Upgrade it to 15 or newer.")
    if pg_trgm is None:
        do = "Run `manage.py prepare`, or have a superuser run CREATE EXTENSION pg_trgm."
        yield fail("The extension pg_trgm is missing.", do)
    if not (syncs and writes_pages):
        do = "Turn both on: without them a power failure may take everything."
        yield fail("fsync or full_page_writes is off.", do)
    if not vacuums:
        yield fail("autovacuum is off.", "Turn it on: tables grow, and in the end take no writes.")
    if checksum_failures:
        said = f"PostgreSQL has read {checksum_failures} damaged pages from its disk."
        yield fail(
            said, "Replace the disk, and restore the last backup (docs/operating/backup.md)."
        )
    if is_superuser:
        do = "Give the service a role of its own: LOGIN, and owner of its database."
        yield warn("The service works as a superuser of PostgreSQL.", do)
    if is_read_only:
        do = (
            "See whether DATABASE_URL leads to a replica, or whether the provider, for want of "
            "disk, or somebody has set default_transaction_read_only."
        )
        yield fail("The database takes no writes: it is a replica, or was set read-only.", do)
    else:
        yield from _written()


def _written() -> Iterator[Finding]:
    """Some megabytes are written, and taken back."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(PROBE)
            transaction.set_rollback(True)
    except OperationalError as error:
        if sqlstate(error) != DISK_FULL:
            raise
        yield fail("The disk of the database is full: it does not take 8 MB.", ROOM_DO)


def migrations() -> Iterator[Finding]:
    """Whether the schema is what the migrations of this code make."""
    pending, newer = migrating.pending(connection), migrating.newer(connection)
    if pending:
        said = f"{len(pending)} migrations are pending: {_named(pending)}."
        yield fail(said, "Run `manage.py prepare`.")
    if newer:
        said = f"The database has migrations that this version does not know: {_named(newer)}."
        yield fail(said, "Run the later version again, or restore a backup of before.")
    if pending or newer:
        return
    differences = schema.differences(connection)
    if differences:
        said = f"The schema differs from what the migrations make: {_named(differences, '; ')}."
        yield fail(said, "`manage.py prepare` tells all; docs/operating/upgrading.md what to do.")
    else:
        yield ok("The schema is what the migrations of this version make.")


def _named(found: Sequence[str], separator: str = ", ") -> str:
    """The first of them."""
    more = f"{separator}and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    return separator.join(found[:MOST_NAMED]) + more


def connection_room() -> Iterator[Finding]:
    """How many connections are left."""
    used, most = _row(CONNECTIONS)
    said = f"{used} of {most} connections are in use."
    do = (
        "Run fewer web processes or threads (TAGGEDIMAGES_WEB_PROCESSES, TAGGEDIMAGES_WEB_THREADS),"
        " put a pool between, or raise max_connections."
    )
    if used >= most * ALL_CONNECTIONS:
        yield fail(said, do)
    elif used >= most * MANY_CONNECTIONS:
        yield warn(said, do)
    else:
        yield ok(said)


def transactions() -> Iterator[Finding]:
    """Whether somebody keeps a transaction open, which keeps locks and dead rows."""
    wrong = []
    for pid, name, state, age, idle in _rows(LONGEST):
        who = f"Session {pid}{f' ({name})' if name else ''}"
        do = f"See what it is, and end it: SELECT pg_terminate_backend({pid})."
        if state.startswith("idle in transaction") and idle > IDLE_SECONDS:
            wrong.append(warn(f"{who} is idle in a transaction since {span(idle)}.", do))
        elif age > LONG_SECONDS:
            wrong.append(warn(f"{who} is in a transaction of {span(age)}.", do))
    for gid, age in _rows(PREPARED):
        if age > LONG_SECONDS:
            said = f"A prepared transaction, {gid}, is open since {span(age)}."
            wrong.append(fail(said, f"COMMIT PREPARED or ROLLBACK PREPARED '{gid}'."))
    yield from wrong or [ok("No transaction is open for long.")]


def tables() -> Iterator[Finding]:
    """What vacuum and analyze keep in order: room, statistics, and numbers of transactions."""
    (age,) = _row(AGES)
    wrong = []
    do = "See why autovacuum does not come through (`transactions`), then run VACUUM (FREEZE)."
    if age > OLD_TRANSACTIONS:
        said = f"The oldest row is {age:,} transactions old; at 2,000,000,000 no write is taken."
        wrong.append(fail(said, do) if age > TOO_OLD_TRANSACTIONS else warn(said, do))
    for name, rows, size, dead, live in _rows(TABLES):
        if dead > DEAD_ROWS and dead > DEAD_SHARE * (live + dead):
            said = f"{name} has {dead:,} dead rows beside {live:,} ({amount(size)})."
            wrong.append(warn(said, f"Run VACUUM (ANALYZE) {name}, and see `transactions`."))
        if rows < 0 and size > LARGE_BYTES:
            said = f"{name} ({amount(size)}) was never analyzed: searches are planned blindly."
            wrong.append(warn(said, f"Run ANALYZE {name}; a whole restored database: ANALYZE."))
    for (name,) in _rows(INVALID):
        said = f"The index {name} was not built to its end, and is not used."
        wrong.append(warn(said, f"Run REINDEX INDEX CONCURRENTLY {name}."))
    yield from wrong or [ok(f"Tables are in order; the oldest row is {age:,} transactions old.")]


def replication() -> Iterator[Finding]:
    """Replicas that are read from, and what is kept or held for some that are gone."""
    wrong = [*_slots(), *_held()]
    for replica in servers.REPLICA_SERVERS:
        wrong += _late(replica)
    yield from wrong
    if not wrong:
        count = len(servers.REPLICA_SERVERS)
        yield ok(f"{count} replicas follow." if count else "No replica is read from.")


def _slots() -> Iterator[Finding]:
    for name, is_active, kept in _rows(SLOTS):
        if not is_active and kept > KEPT_BYTES:
            said = f"The replication slot {name} keeps {amount(kept)} of log for nobody."
            do = f"Start its replica again, or SELECT pg_drop_replication_slot('{name}')."
            yield fail(said, do) if kept > TOO_MANY_KEPT_BYTES else warn(said, do)


def _held() -> Iterator[Finding]:
    if held := _row(servers.COMMITS_HELD)[0]:
        said = f"{held} writes wait for a synchronous replica, and were answered 503 meanwhile."
        do = "Start it again, or take it out of synchronous_standby_names on the primary."
        yield fail(said, do)


def _late(replica: servers.Replica) -> Iterator[Finding]:
    where = "{HOST}:{PORT}".format(**connections[replica.alias].settings_dict)
    try:
        behind = servers.PRIMARY.lsn(anyway=True) - replica.lsn(anyway=True)
    except servers.Away:
        said = f"The replica {where} does not answer: it is not read from."
        yield warn(said, "Start it again, or take it out of DATABASE_REPLICA_URLS.")
        return
    finally:
        connections[replica.alias].close()
    if behind > LATE_BYTES:
        said = f"The replica {where} is {amount(behind)} of log behind: it is not read from."
        yield warn(said, "See what it waits for: its disk, its network, or a long query on it.")


def _rows(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def _row(statement: str) -> tuple[Any, ...]:
    return _rows(statement)[0]
