"""The service under torture: where it is now, its processes by name, its death and return."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import psutil
import psycopg2
from botocore.config import Config

from taggedimages.engines import process
from taggedimages.engines.state import CHECKOUT, DATABASE, State
from taggedimages.engines.tests.conftest import Up, finish, launch, start, without_engines

SAMPLE_SECONDS = 2
PARTS = {
    "web": "web",
    "worker": "work",
    "PostgreSQL": "postgres",
    "SeaweedFS": "seaweedfs",
}


class Service(ABC):
    """A service under torture, wherever its parts run: what clients and checks need of it."""

    url: str
    # Of commands, which find database and bucket by it.
    environment: dict[str, str]

    @property
    @abstractmethod
    def database_url(self) -> str:
        """As the role that the service is."""

    @property
    @abstractmethod
    def superuser_url(self) -> str:
        """As nobody is in the service."""

    @property
    @abstractmethod
    def database_folder(self) -> Path:
        """PostgreSQL's own folder, for damage."""

    @property
    @abstractmethod
    def bucket(self) -> str:
        """The name of the bucket."""

    @abstractmethod
    def store(self) -> Any:
        """A client of the object store, past the service and with its own keys."""

    @abstractmethod
    def stop(self) -> None:
        """Stop it in order."""

    @abstractmethod
    def start_again(self) -> None:
        """Start it after all of it has ended."""

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows straight from the database, past the service."""
        return _sql(self.database_url, statement, values)

    def sql_unheard(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """The same as the superuser, so that no trigger hears of it."""
        url = self.superuser_url + "?options=-csession_replication_role%3Dreplica"
        return _sql(url, statement, values)

    def manage(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a command of manage.py beside it, with settings of its own."""
        return subprocess.run(
            [sys.executable, str(CHECKOUT / "manage.py"), *arguments],
            env=self.environment | env,
            capture_output=True,
            text=True,
            check=False,
        )

    def reconcile(self, *arguments: str) -> tuple[dict[str, int], list[str]]:
        """How many findings of each kind, and their lines; however young the objects are."""
        ran = self.manage("reconcile", "--json", *arguments, TAGGEDIMAGES_ORPHAN_SECONDS="0")
        lines = ran.stdout.splitlines()
        if not lines:
            raise RuntimeError(f"reconcile failed: {ran.stderr}")
        return json.loads(lines[-1])["findings"], lines[:-1]


class OneMachine(Service):
    """A `manage.py up` on a folder, which may be killed and started again elsewhere."""

    def __init__(self, data: Path, settings: Mapping[str, str] | None = None) -> None:
        self.data = data
        self.started_with = without_engines() | dict(settings or {})
        self.environment = without_engines() | {"TAGGEDIMAGES_DATA": str(data)}
        self.up: Up = start(data, self.started_with)
        self.url = self.up.url

    @property
    def state(self) -> State:
        return self.up.state

    @property
    def database_url(self) -> str:
        return self.state.database_url

    @property
    def superuser_url(self) -> str:
        return self.state.superuser_url(DATABASE)

    @property
    def database_folder(self) -> Path:
        return self.data / "postgres" / "data"

    @property
    def bucket(self) -> str:
        return self.state.bucket

    def store(self) -> Any:
        state = self.state
        keys = state.s3_access_key, state.s3_secret_key
        return store_client(state.s3_endpoint_url, state.region, *keys)

    def start_again(self) -> None:
        """A new `up` after the whole of the last one has died."""
        self.up.process.wait()
        self.up = start(self.data, self.started_with)
        self.url = self.up.url

    def start_and_die(self, seconds: float) -> None:
        """A new `up` that is killed, with all that it has started, so many seconds later."""
        self.up.process.wait()
        self.up = Up(self.data, launch(self.data, "--port=0", env=self.started_with))
        time.sleep(seconds)
        kill(self.everything())

    def stop(self) -> None:
        """Stop it as Ctrl-C does."""
        self.up.process.terminate()
        self.up.process.wait(60)

    def readers(self, worker: psutil.Process) -> list[psutil.Process]:
        """The processes that read a file for this worker at this moment."""
        within = worker.children(recursive=True)
        servers = {p.pid for p in within if "forkserver" in " ".join(_command(p))}
        return [p for p in within if _parent(p) in servers]

    def finish(self) -> None:
        """Stop it, and leave no process."""
        finish(self.up)

    def head(self, part: str) -> psutil.Process | None:
        """The first process of a part, None while there is none."""
        found = self.up.part(part)
        pids = {p.pid for p in found}
        return next((p for p in found if _parent(p) not in pids), None)

    def web_workers(self) -> list[psutil.Process]:
        """The processes that answer requests."""
        master = self.head("web")
        if master is None:
            return []
        try:
            children = master.children()
        except psutil.Error:
            return []
        return [p for p in children if "resource_tracker" not in " ".join(_command(p))]

    def everything(self) -> list[psutil.Process]:
        """`up` itself and all that it has started."""
        own = [p for p in [self.up.process] if p.poll() is None]
        return [*(psutil.Process(p.pid) for p in own), *self.up.processes()]


class Memory(threading.Thread):
    """Samples what the service's processes hold, shared pages counted once; keeps the peaks."""

    def __init__(self, service: OneMachine) -> None:
        super().__init__(daemon=True)
        self.service = service
        self.peaks: dict[str, int] = {}
        self.stopping = threading.Event()

    def run(self) -> None:
        while not self.stopping.wait(SAMPLE_SECONDS):
            held = {
                title: sum(map(proportional_bytes, self.service.up.part(part)))
                for title, part in PARTS.items()
            }
            held["all"] = sum(held.values())
            for title, size in held.items():
                self.peaks[title] = max(size, self.peaks.get(title, 0))


def kill(victims: list[psutil.Process]) -> None:
    """SIGKILL them all, then wait until they are gone."""
    for victim in victims:
        with contextlib.suppress(psutil.Error):
            victim.kill()
    process.wait_for_end([v for v in victims if v.pid != os.getpid()], 10)


def store_client(url: str, region: str, access_key: str, secret_key: str) -> Any:
    """A client of an object store."""
    return boto3.client(
        "s3",
        endpoint_url=url,
        region_name=region,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=Config(s3={"addressing_style": "path"}),
    )


def _sql(url: str, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    with (
        contextlib.closing(psycopg2.connect(url, connect_timeout=5)) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def proportional_bytes(of: psutil.Process) -> int:
    """What a process holds, of shared pages its share; 0 where the system does not tell."""
    try:
        return int(of.memory_full_info().pss)
    except (psutil.Error, OSError, AttributeError):
        return 0


def _parent(of: psutil.Process) -> int:
    try:
        return int(of.ppid())
    except psutil.Error:
        return 0


def _command(of: psutil.Process) -> list[str]:
    try:
        return list(of.cmdline())
    except psutil.Error:
        return []
