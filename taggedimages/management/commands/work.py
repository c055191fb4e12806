"""The background worker: inspects uploaded files, removes deleted ones, keeps the tag index,
applies bulk changes, and looks through the vocabulary for what wants cleaning up."""

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, InterfaceError, connection

from images import orphans, processing, purging
from images.arrivals import Arrivals
from search.index import maintenance
from taggedimages.changes import worker as changes
from taggedimages.checks import SETTINGS
from tags import statistics
from tags.cleanup.sweep import Sweep as CleanupSweep

logger = logging.getLogger(__name__)

# How long workers may take to hand back what they hold.
STOP_SECONDS = 10


class Command(BaseCommand):
    help = "Runs the background worker until SIGTERM or SIGINT; several may run at once."
    requires_system_checks = [SETTINGS]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--processes", type=int, default=1, help="How many workers to run.")
        parser.add_argument(
            "--end-with-parent", action="store_true", help="Stop when the starting process dies."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()

        def end(signum: int, frame: FrameType | None) -> None:
            stop.set()

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
        if options["processes"] > 1:
            keep_running(options["processes"], stop)
            return
        self.stdout.write("The worker runs.")
        parent = os.getppid()
        purge, arrivals, sweep = purging.PeriodicPurge(), Arrivals(), orphans.Sweep()
        cleanup = CleanupSweep()
        while not stop.is_set():
            if options["end_with_parent"] and os.getppid() != parent:
                break
            if not self.sweep(stop, purge, arrivals, sweep, cleanup):
                stop.wait(settings.SWEEP_SECONDS)
        self.stdout.write("The worker has stopped.")

    def sweep(
        self,
        stop: threading.Event,
        purge: Callable[[], None],
        arrivals: Callable[[], int],
        sweep_orphans: Callable[[], int],
        cleanup: Callable[[], int],
    ) -> int:
        """One round; 0 when there was nothing to do or the database is away."""
        try:
            purge()
            sweep_orphans()
            done = arrivals() + maintenance.run_once() + statistics.keep()
            done += changes.sweep(stopping=stop.is_set)
            return done + processing.sweep(stopping=stop.is_set) + cleanup()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("The database failed (%s); going on when it is back.", error)
            connection.close()
            return 0


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
            worker.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            worker.kill()
