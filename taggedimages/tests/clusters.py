"""PostgreSQL servers of a test's own, to be killed: a primary, and replicas that stream from it."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg2

from taggedimages.engines import postgres, privileges, process, state
from taggedimages.engines.state import DATABASE, State

READY_SECONDS = 30


class Cluster:
    """An embedded PostgreSQL in a folder of its own; not started again when it ends."""

    def __init__(self, folder: Path, known: State) -> None:
        self.folder, self.state = folder, known
        self.running: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return self.state.database_url

    def start(self) -> None:
        """Return once it answers."""
        self.part = postgres.part(self.folder, self.state)
        self.running = process.launch(self.part)
        until = time.monotonic() + READY_SECONDS
        while not self.part.ready():
            assert time.monotonic() < until, process.last_lines(self.part.log)
            time.sleep(0.02)

    def kill(self) -> None:
        """SIGKILL, for it and all its processes."""
        if self.running:
            process.kill(self.part, self.running)

    def freeze(self) -> None:
        """It keeps its connections, takes new ones, and answers nothing."""
        for one in process.of_part(self.part):
            one.suspend()

    def thaw(self) -> None:
        """Go on."""
        for one in process.of_part(self.part):
            one.resume()

    @contextmanager
    def cursor(self) -> Iterator[Any]:
        """Straight to this server as its superuser, each statement for itself."""
        with closing(psycopg2.connect(self.state.superuser_url(DATABASE))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                yield cursor

    def sql(self, statement: str, *values: str) -> list[tuple[Any, ...]]:
        """The rows of one statement."""
        with self.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def configure(self, name: str, value: str) -> None:
        """Change a setting of the running server."""
        self.sql(f"ALTER SYSTEM SET {name} = '{value}'")
        self.sql("SELECT pg_reload_conf()")


def primary(folder: Path) -> Cluster:
    """A new server, running, with an empty database."""
    cluster = Cluster(folder, state.load_or_create(folder))
    cluster.start()
    return cluster


def replica(of: Cluster, folder: Path) -> Cluster:
    """A running server that streams from another."""
    base_backup(of.state.superuser_url("postgres"), folder)
    port = state.free_port()
    cluster = Cluster(folder, replace(of.state, ports=of.state.ports | {"postgres": port}))
    cluster.start()
    return cluster


def base_backup(url: str, folder: Path) -> None:
    """Make in a new folder the cluster of a replica that streams from the server at `url`."""
    folder.mkdir(mode=0o711)
    home = folder / "postgres"
    home.mkdir(mode=0o700)
    program = postgres.binaries() / "pg_basebackup"
    account = privileges.service_account(home)
    if account:
        os.chown(home, account.uid, account.gid)
        account = privileges.able_to_run(account, program, home)
    options = ("--checkpoint=fast", "--no-sync", "--write-recovery-conf", f"--dbname={url}")
    become = account.become if account else None
    subprocess.run([program, f"--pgdata={home / 'data'}", *options], preexec_fn=become, check=True)
