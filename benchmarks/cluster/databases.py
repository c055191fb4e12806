"""A PostgreSQL primary, a replica that has every commit before it is answered, and failing over.

What Patroni and the like do, as far as one machine can show it: who is dead is promoted over, and
comes back as the replica of the other, from a new base backup.
"""

import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg2

from benchmarks.cluster.hosts import Program, wait_until
from taggedimages.engines import postgres
from taggedimages.engines.process import Part
from taggedimages.engines.state import DATABASE, ROLE, State
from taggedimages.tests import clusters

# On both, since each may be the primary and the replica.
SETTINGS = {
    "hot_standby_feedback": "on",
    "wal_retrieve_retry_interval": "500ms",
    # The machine is shared with all other hosts.
    "shared_buffers": "256MB",
}


class Server(Program):
    """One PostgreSQL at an address, on a cluster that is there."""

    def __init__(self, name: str, folder: Path, address: str, port: int, known: State) -> None:
        self.folder, self.address, self.port, self.state = folder, address, port, known
        super().__init__(self._part(name))

    def _part(self, name: str) -> Part:
        part = postgres.part(self.folder, self.state)
        options = SETTINGS | {"listen_addresses": self.address, "port": str(self.port)}
        argv = [*part.argv, *(f"-c{option}={value}" for option, value in options.items())]
        return replace(part, name=name, argv=argv, ready=self.answers)

    def launch(self) -> None:
        # What a killed server says of itself has to go first.
        self.part = self._part(self.name)
        super().launch()

    def superuser_url(self, database: str = DATABASE) -> str:
        """As who nobody but those who run the cluster connects."""
        return self._url("postgres", self.state.postgres_password, database)

    @property
    def service_url(self) -> str:
        """As the role that owns the database."""
        return self._url(ROLE, self.state.service_password, DATABASE)

    def _url(self, user: str, password: str, database: str) -> str:
        return f"postgres://{user}:{password}@{self.address}:{self.port}/{database}"

    @property
    def data(self) -> Path:
        """PostgreSQL's own folder."""
        return self.folder / "postgres" / "data"

    def answers(self) -> bool:
        """Whether it takes statements."""
        try:
            return bool(self.sql("SELECT 1"))
        except psycopg2.OperationalError:
            return False

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of one statement, as the superuser and for itself."""
        with closing(psycopg2.connect(self.superuser_url(), connect_timeout=5)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement, values)
                return cursor.fetchall() if cursor.description else []

    def hold_commits_for(self, replicas: str) -> None:
        """Answer commits from now on when these have them on disk: `*` for any, empty for none."""
        self.sql(f"ALTER SYSTEM SET synchronous_standby_names = '{replicas}'")
        self.sql("SELECT pg_reload_conf()")

    def holds_commits(self) -> bool:
        """Whether there is a replica that it waits for."""
        return bool(self.sql("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"))

    def is_followed(self) -> bool:
        """Whether there is a replica that has all until now."""
        return bool(self.sql("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'"))


class Pair:
    """A primary and its replica on two hosts, which may change places."""

    def __init__(self, title: str, folder: Path, hosts: tuple[str, str], port: int) -> None:
        self.title, self.folder, self.hosts, self.port = title, folder, hosts, port
        # Made as `up` makes it, and from then on at its own address.
        made = clusters.primary(folder / f"{title}-1")
        made.kill()
        self.state = made.state
        self.primary = self._server(1)
        self.primary.start()
        self.replica = self._made_replica(2)
        self.hold()

    @property
    def servers(self) -> tuple[Server, Server]:
        """Both, the primary first."""
        return self.primary, self.replica

    @property
    def url(self) -> str:
        """Wherever the primary is, as the role that owns the database."""
        where = ",".join(f"{host}:{self.port}" for host in self.hosts)
        login = f"{ROLE}:{self.state.service_password}"
        return f"postgres://{login}@{where}/{DATABASE}?target_session_attrs=read-write"

    @property
    def replica_urls(self) -> str:
        """Both: whichever is the replica is read from."""
        return ",".join(server.service_url for server in self.servers)

    def promote(self) -> None:
        """Have the replica be the primary, after that one has died."""
        self.primary, self.replica = self.replica, self.primary
        self.primary.sql("SELECT pg_promote()")
        # It has inherited whom to wait for, and nobody follows it yet.
        self.primary.hold_commits_for("")

    def replace_replica(self) -> None:
        """Make the dead one anew from the primary, and wait until it has everything."""
        self.replica.kill()
        shutil.rmtree(self.replica.folder)
        self.replica = self._made_replica(int(self.replica.name[-1]))
        self.hold()

    def hold(self) -> None:
        """Answer no commit any more before the replica has it."""
        wait_until(self.primary.is_followed, self.replica.part.log)
        self.primary.hold_commits_for("*")
        wait_until(self.primary.holds_commits, self.replica.part.log)

    def start(self) -> None:
        """Start both again as they were, and wait until they agree."""
        self.primary.start()
        self.replica.start()
        self.hold()

    def kill(self) -> None:
        """SIGKILL, for both."""
        for server in self.servers:
            server.kill()

    def _made_replica(self, number: int) -> Server:
        folder = self.folder / f"{self.title}-{number}"
        clusters.base_backup(self.primary.superuser_url("postgres"), folder)
        server = self._server(number)
        server.start()
        return server

    def _server(self, number: int) -> Server:
        name = f"{self.title}-{number}"
        return Server(name, self.folder / name, self.hosts[number - 1], self.port, self.state)
