"""PostgreSQL's pg_dump and pg_restore: where they are, whether they fit, and how they are run.

Passwords travel in the environment of the program, and never on its command line, which others on
the machine may read.
"""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.db import connection
from psycopg2.extensions import make_dsn

# What is not handed on of Django's parameters: statement timeouts, what is Python's, and secrets.
LEFT_OUT = {"options", "cursor_factory", "client_encoding", "password", "sslpassword"}
LOOK_SECONDS = 0.1
# How much of what a program says is told where it fails.
TOLD_BYTES = 2_000
INSTALL = (
    "Install PostgreSQL's client programs (Debian: postgresql-client), or name their folder in"
    " TAGGEDIMAGES_PG_BIN."
)


class ProgramFailed(Exception):
    """A program of PostgreSQL is not there, does not fit or failed; the text says what to do."""


class Program(NamedTuple):
    """A program and its version, such as 18.6."""

    path: str
    version: str

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])


def found(name: str) -> Program:
    """A program by its name: of the embedded PostgreSQL, of TAGGEDIMAGES_PG_BIN, or of PATH.

    Raises ProgramFailed where there is none, or it is older than the server.
    """
    path = shutil.which(name, path=_folder())
    if path is None:
        raise ProgramFailed(f"{name} is not there. {INSTALL}")
    said = subprocess.run(  # noqa: S603
        [path, "--version"], capture_output=True, text=True, check=False
    )
    version = re.search(r"\(PostgreSQL\) (\d[\w.]*)", said.stdout)
    if said.returncode or version is None:
        raise ProgramFailed(f"{path} --version failed. {INSTALL}\n{said.stderr.strip()}")
    program, server = Program(path, version[1]), server_version() // 10_000
    if program.major < server:
        raise ProgramFailed(
            f"{path} is of PostgreSQL {program.major}, and the server of {server}: it has to be as"
            f" new. {INSTALL}"
        )
    return program


def server_version() -> int:
    """The server's version as a number, such as 180006."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int")
        return int(cursor.fetchone()[0])


def run(
    program: Program,
    *arguments: str,
    meanwhile: Callable[[], object] = lambda: None,
    kept_open: tuple[int, ...] = (),
) -> None:
    """Run a program on the service's database to its end; `meanwhile` is called every instant.

    `kept_open` are file descriptors that it inherits. Raises ProgramFailed, with what it said.
    """
    dsn, secret = _connection()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    running = subprocess.Popen(  # noqa: S603
        [program.path, f"--dbname={dsn}", "--no-password", *arguments],
        env=clean | secret,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        pass_fds=kept_open,
    )
    said = b""
    try:
        assert running.stderr
        os.set_blocking(running.stderr.fileno(), False)
        while running.poll() is None:
            said = (said + (running.stderr.read() or b""))[-TOLD_BYTES:]
            meanwhile()
            time.sleep(LOOK_SECONDS)
        said = (said + (running.stderr.read() or b""))[-TOLD_BYTES:]
    finally:
        if running.poll() is None:
            running.terminate()
            running.wait()
        if running.stderr:
            running.stderr.close()
    if running.returncode:
        raise ProgramFailed(
            f"{Path(program.path).name} failed:\n{said.decode(errors='replace').strip()}"
        )


def listed(program: Program, dump: Path) -> str:
    """What pg_restore reads in a dump, one thing a line. Raises ProgramFailed."""
    done = subprocess.run(  # noqa: S603
        [program.path, "--list", str(dump)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ProgramFailed(f"pg_restore does not read the dump:\n{done.stderr.strip()}")
    return done.stdout


def _folder() -> str | None:
    """Where programs are looked for; None: on PATH."""
    if settings.PG_BIN or not settings.DATABASE_IS_EMBEDDED:
        return settings.PG_BIN or None
    # Not there where nothing is embedded.
    from taggedimages.engines import postgres

    return str(postgres.binaries())


def _connection() -> tuple[str, dict[str, str]]:
    """How libpq reaches the service's database, and its password as a variable."""
    given = connection.get_connection_params()
    plain = {name: value for name, value in given.items() if name not in LEFT_OUT and value}
    return make_dsn(**plain), {"PGPASSWORD": str(given.get("password") or "")}
