"""Building in the worker, beside all else that it does: a large release takes minutes, and
inspections are not to wait for it."""

import logging
import threading
from types import TracebackType

from django.conf import settings
from django.db import connection

from taggedimages.datasets import building
from taggedimages.datasets.models import Release, ReleaseState

logger = logging.getLogger(__name__)

THREAD = "releases"
# How long a build may take to give up when the worker ends; whatever happens then, nothing of it
# stays.
STOP_SECONDS = 5
# After a build that failed, before it is tried again.
MOST_REST_SECONDS = 60


class Builds:
    """A thread with a connection of its own that builds releases while there are any to build."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "Builds":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._thread:
            self._thread.join(STOP_SECONDS)

    def __call__(self) -> None:
        """Have the thread run where something waits. One statement, unless it runs."""
        if self._thread and self._thread.is_alive():
            return
        if Release.objects.filter(state=ReleaseState.BUILDING).exists():
            self._thread = threading.Thread(target=self._build, name=THREAD, daemon=True)
            self._thread.start()

    def _build(self) -> None:
        rest = float(settings.SWEEP_SECONDS)
        try:
            while not self._stop.is_set():
                try:
                    if not building.sweep(self._stop.is_set):
                        return
                    rest = float(settings.SWEEP_SECONDS)
                except Exception:
                    # Whatever it is: written down with the release, which is tried again.
                    logger.exception("A release was not built; it is tried again.")
                    connection.close()
                    self._stop.wait(rest)
                    rest = min(rest * 2, MOST_REST_SECONDS)
        finally:
            connection.close()
