"""The background worker: inspects uploaded files, removes deleted ones, keeps the tag index,
applies bulk changes, builds releases, looks through the vocabulary for what wants cleaning up, and
judges by contracts."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from ipaddress import ip_address
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.db import (
    DEFAULT_DB_ALIAS,
    DatabaseError,
    InterfaceError,
    connections,
)

from images import orphans, processing, purging
from images.arrivals import Arrivals
from search.index import maintenance
from search.index.thresholds import DEFAULT
from taggedimages.changes import worker as changes
from taggedimages.checks import SETTINGS
from taggedimages.datasets import erasing
from taggedimages.datasets.contracts.looking import Look as ContractLook
from taggedimages.datasets.work import Builds
from taggedimages.doctor.heartbeats import Heart
from taggedimages.http.metrics_port import served
from taggedimages.management import base, beside
from taggedimages.management.beside import Beside
from taggedimages.monitoring import folders, jobs
from taggedimages.monitoring.logs import heed_uncaught
from tags import statistics
from tags.cleanup.sweep import Sweep as CleanupSweep

logger = logging.getLogger(__name__)

ENDING = (signal.SIGTERM, signal.SIGINT)
# As many changes as one merge takes in: more of them wait, and the next merge comes at once.
A_BATCH = DEFAULT.merge_batch_changes
FILES_A_ROUND = 20
# For a build to give up, and for workers to be seen to have ended.
MORE_SECONDS = 10


class Command(base.Command):
    help = "Runs the background worker until SIGTERM or SIGINT; several may run at once."
    examples = (
        "work",
        "work --processes 2",
        "work --metrics-port 9101",
    )
    requires_system_checks = [SETTINGS]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--processes", type=int, default=1, help="How many workers to run.")
        parser.add_argument(
            "--end-with-parent", action="store_true", help="Stop when the starting process dies."
        )
        parser.add_argument("--metrics-port", type=int, help="Answer /metrics at this port.")
        parser.add_argument("--metrics-host", default="127.0.0.1", help="At this address.")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in ENDING:
            signal.signal(number, lambda *_: stop.set())
        heed_uncaught()
        with numbers_told(options["metrics_host"], options["metrics_port"]):
            if options["processes"] > 1:
                with folders.shared():
                    keep_running(options["processes"], stop)
            else:
                break_off_late(stop)
                self.work(stop, options["end_with_parent"])

    def work(self, stop: threading.Event, end_with_parent: bool) -> None:
        """Round after round, until it is to stop."""
        self.stdout.write("The worker runs.")
        parent = os.getppid()
        purge, arrivals, sweep = purging.PeriodicPurge(), Arrivals(), orphans.Sweep()
        cleanup, contracts = CleanupSweep(), ContractLook()
        with (
            Builds(stop) as builds,
            Heart() as heart,
            Beside("index", merge, heart.new_round, pressing=A_BATCH) as index,
            Beside(
                "files", partial(look_after_files, stop), heart.new_round, settings.FILES_AT_ONCE
            ) as files,
        ):

            def found() -> int:
                if number := arrivals():
                    files.wake()
                return number

            while not stop.is_set():
                heart.new_round()
                if end_with_parent and os.getppid() != parent:
                    break
                index.check()
                files.check()
                if not self.sweep(stop, purge, found, sweep, cleanup, contracts, builds):
                    stop.wait(settings.SWEEP_SECONDS)
        self.stdout.write("The worker has stopped.")

    def sweep(
        self,
        stop: threading.Event,
        purge: Callable[[], None],
        arrivals: Callable[[], int],
        sweep_orphans: Callable[[], int],
        cleanup: Callable[[], int],
        contracts: Callable[[], int],
        builds: Callable[[], None],
    ) -> int:
        """One round; 0 when there was nothing to do or the database is away."""
        try:
            purge()
            sweep_orphans()
            builds()
            done = jobs.timed("list", arrivals) + statistics.keep()
            done += changes.sweep(stopping=stop.is_set) + erasing.sweep()
            return done + cleanup() + contracts()
        except (DatabaseError, InterfaceError) as error:
            beside.told(error)
            return 0


def merge() -> int:
    """Have the index learn of a batch of changes; how many it learned of."""
    return jobs.timed("merge", maintenance.run_once)


def look_after_files(stop: threading.Event) -> int:
    """Some records whose time has come; how many there were."""
    return 0 if stop.is_set() else processing.sweep(FILES_A_ROUND, stop.is_set)


@contextmanager
def numbers_told(host: str, port: int | None) -> Iterator[None]:
    """Answer /metrics at a port, if there is one."""
    if port is None:
        yield
        return
    is_open = not ip_address(host).is_loopback
    if is_open and not settings.METRICS_TOKEN:
        raise CommandError("Set TAGGEDIMAGES_METRICS_TOKEN: others can reach that address.")
    try:
        with served(host, port):
            yield
    except OSError as error:
        raise CommandError(f"Numbers cannot be told at {host}:{port}: {error.strerror}.") from error


def break_off_late(stop: threading.Event) -> None:
    """Have `stop` set by SIGTERM and SIGINT at once, and what then takes STOP_SECONDS broken off.

    Statements are cancelled, so that their transactions are rolled back, and the main thread leaves
    with exit code 0, whatever it waits for: all that it did is done anew by another worker.
    """
    of_main_thread = connections[DEFAULT_DB_ALIAS]
    told, tells = os.pipe()
    os.set_blocking(tells, False)

    def wait_for_signals() -> None:
        while os.read(told, 1)[0] not in ENDING:
            pass
        stop.set()
        time.sleep(settings.STOP_SECONDS)
        logger.warning("What the worker does takes too long to be ended; it is done anew.")
        with suppress(Exception):
            of_main_thread.connection.cancel()
        beside.cancel()
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)

    def leave(signum: int, frame: FrameType | None) -> None:
        sys.exit(0)

    # A handler waits for the end of the main thread's statement; what is written here is read at
    # once.
    signal.set_wakeup_fd(tells)
    signal.signal(signal.SIGALRM, leave)
    threading.Thread(target=wait_for_signals, name="signals", daemon=True).start()


def keep_running(processes: int, stop: threading.Event) -> None:
    """Keep so many workers running, replacing those that die, until `stop` is set."""
    # If this process is killed, nobody else tells its workers to stop.
    command = [sys.executable, sys.argv[0], "work", "--end-with-parent"]
    workers: list[subprocess.Popen[bytes]] = []
    while not stop.is_set():
        workers = [worker for worker in workers if worker.poll() is None]
        for _ in range(processes - len(workers)):
            workers.append(subprocess.Popen(command))  # noqa: S603 - our own command
        stop.wait(1)
    for worker in workers:
        worker.terminate()
    for worker in workers:
        try:
            worker.wait(settings.STOP_SECONDS + MORE_SECONDS)
        except subprocess.TimeoutExpired:
            worker.kill()
