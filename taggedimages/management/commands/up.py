"""The whole service in one command: engines, schema, API and worker, until SIGINT or SIGTERM."""

import contextlib
import errno
import os
import socket
import time
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from taggedimages.checks import SETTINGS
from taggedimages.engines import postgres, process, rotation, seaweedfs, service, state
from taggedimages.engines.privileges import NoAccount
from taggedimages.engines.service import Address
from taggedimages.engines.state import State
from taggedimages.engines.supervisor import PartLost, Stopped, Supervisor
from taggedimages.management import base
from taggedimages.monitoring import folders

# What a process that an earlier start left behind has to end by itself.
LEFT_PROCESS_SECONDS = 5
# How long a port that is still taken is waited for.
PORT_SECONDS = 3
REASONS = (
    state.AlreadyRunning,
    state.StateLost,
    state.HalfRestored,
    NoAccount,
    postgres.InitFailed,
    PartLost,
    OSError,
    ImportError,
)


class Command(base.Command):
    help = "Starts everything, on this machine only unless --host says otherwise."
    examples = (
        "up",
        "up --port 8080 --demo",
        "up --host 0.0.0.0",
    )
    requires_system_checks = [SETTINGS]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address of the API")
        parser.add_argument("--port", default=8000, type=int, help="port of the API; 0: a free one")
        parser.add_argument("--demo", action="store_true", help="add generated images and tags")

    def handle(self, *args: Any, host: str, port: int, demo: bool, **options: Any) -> None:
        folder = state.data_folder()
        try:
            address = resolve(host, port)
            with state.held(folder, address.url), folders.of_up(folder):
                state.refuse_half_restored(folder)
                self.serve(folder, address, demo=demo)
        except REASONS as error:
            raise CommandError(str(error)) from error

    def say(self, line: str) -> None:
        """Print at once; a terminal that was closed must not end the service half-way."""
        with contextlib.suppress(OSError):
            self.stdout.write(line)
            self.stdout.flush()

    def serve(self, folder: Path, address: Address, *, demo: bool) -> None:
        """Everything from the first process to the end of the last."""
        supervisor = Supervisor(self.say)
        supervisor.heed_signals()
        try:
            known = self.start_engines(supervisor, folder, address)
            passwords = self.start_service(supervisor, folder, address, known)
            self.say(banner(folder, address, passwords))
            if demo:
                self.run(supervisor, folder, address, "demo")
            while True:
                supervisor.watch(until=partial(rotation.is_asked_for, folder))
                self.say("Starting all again, with new keys")
                supervisor.stop()
                known = self.start_engines(supervisor, folder, address)
                self.start_service(supervisor, folder, address, known)
                self.say("Tagged images is up, with new keys.")
        except Stopped:
            self.say("Stopping")
        finally:
            supervisor.stop()
        self.say("Stopped; all data is kept.")

    def start_engines(self, supervisor: Supervisor, folder: Path, address: Address) -> State:
        """PostgreSQL and the S3 store, as far as the environment names no others; the state that
        they were started with."""
        if left := process.end_left(folder, LEFT_PROCESS_SECONDS):
            self.say(f"Ended {left} processes that an earlier run had left behind")
        wait_for_port(address)
        known = state.load_or_create(folder, address.port)
        self.say("Starting")
        if embeds_s3():
            supervisor.launch(seaweedfs.part(folder, known))
        if embeds_postgres():
            supervisor.launch(postgres.part(folder, known))
        supervisor.wait_until_ready()
        return known

    def start_service(
        self, supervisor: Supervisor, folder: Path, address: Address, known: State
    ) -> list[str]:
        """Schema, bucket, worker and API; returns what was said of passwords."""
        said = self.run(supervisor, folder, address, "prepare", "--admin")
        if known.renewed:
            self.run(supervisor, folder, address, "rotate_keys", "--encrypt")
        env = service.environment(folder, address)
        supervisor.launch(service.worker(folder, env))
        supervisor.launch(service.web(folder, address, env))
        supervisor.wait_until_ready()
        rotation.finish(folder, known)
        return [line.strip() for line in said if "password" in line.lower()]

    def run(
        self, supervisor: Supervisor, folder: Path, address: Address, *command: str
    ) -> list[str]:
        """Run a command of manage.py, relay what it prints, and return that too."""
        lines: list[str] = []

        def relay(line: str) -> None:
            lines.append(line)
            self.say(f"  {line}")

        env = service.environment(folder, address)
        # It is none of those whose numbers are told.
        env.pop(folders.FOLDER, None)
        part = service.command(folder, env, *command)
        if supervisor.run(part, relay):
            raise CommandError(f"{part.title} failed; what it said is above.")
        return lines


def resolve(host: str, port: int) -> Address:
    """The address to listen on; raises OSError for a host that is not known."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0]
    address = str(found)
    return Address(address, port or state.free_port(address))


def wait_for_port(address: Address) -> None:
    """Return once the API could listen. Raises CommandError, which names who does."""
    until = time.monotonic() + PORT_SECONDS
    while True:
        try:
            return state.try_to_listen(address.host, address.port)
        except OSError as error:
            if error.errno == errno.EADDRINUSE and time.monotonic() < until:
                time.sleep(0.1)
                continue
            reason = str(error.strerror)
            if error.errno == errno.EADDRINUSE:
                reason += f" by {process.listening(address.port)}"
            where = f"{address.host}:{address.port}"
            raise CommandError(f"Cannot listen on {where}: {reason}. Try --port.") from error


def embeds_postgres() -> bool:
    """Whether no database is given from outside."""
    return not os.environ.get("DATABASE_URL")


def embeds_s3() -> bool:
    """Whether no bucket is given from outside."""
    return not any(os.environ.get(name) for name in state.BUCKET_VARIABLES)


def banner(folder: Path, address: Address, passwords: list[str]) -> str:
    """Where everything is, said once all of it serves."""
    known = state.load(folder)
    assert known is not None
    rows = [
        ("API", f"{address.url}/v1"),
        ("Docs", f"{address.url}/docs"),
        ("Admin", f"{address.url}/admin/"),
        *(("", line) for line in passwords),
        (
            "S3",
            f"{known.s3_endpoint_url} bucket {known.bucket}" if embeds_s3() else "as configured",
        ),
        ("Data", str(folder)),
        ("Logs", str(folder / "logs")),
        ("Stop", "Ctrl-C, or SIGTERM"),
    ]
    lines = [f"  {name:6} {text}" for name, text in rows]
    return "\n".join(["", "Tagged images is up.", *lines, ""])
