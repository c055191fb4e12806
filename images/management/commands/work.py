"""The background worker: finds uploaded files, removes deleted ones."""

import logging
import signal
import threading
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, InterfaceError, connection

from images import processing

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Runs the background worker until SIGTERM or SIGINT; several may run at once."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()

        def end(signum: int, frame: FrameType | None) -> None:
            stop.set()

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
        self.stdout.write("The worker runs.")
        while not stop.is_set():
            if not self.sweep():
                stop.wait(settings.SWEEP_SECONDS)
        self.stdout.write("The worker has stopped.")

    def sweep(self) -> int:
        """One round; 0 when there was nothing to do or the database is away."""
        try:
            return processing.sweep()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("The database failed (%s); going on when it is back.", error)
            connection.close()
            return 0
