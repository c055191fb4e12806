"""The heartbeat of workers: each writes a row every few seconds, from a thread of its own.

So a worker that was killed, is stopped or has lost the database is told from one whose round takes
long. Nothing is decided by it but what is told: work is claimed by leases, whatever is said here.
"""

import logging
import os
import socket
import threading
import time
import uuid
from datetime import timedelta
from types import TracebackType
from typing import Any

from django.db import DatabaseError, InterfaceError, connection
from django.db.models import QuerySet
from django.db.models.functions import Now

from taggedimages.doctor.models import Heartbeat
from taggedimages.postgresql.fragments import Fragment

logger = logging.getLogger(__name__)

BEAT_SECONDS = 10
# Without a beat for so long, a worker is gone or hangs.
MISSED = timedelta(seconds=60)
# Rows of workers that are gone are forgotten by those that live.
FORGOTTEN = timedelta(days=1)
STOP_SECONDS = 2

BEAT = """
INSERT INTO doctor_heartbeat (id, host, pid, started_at, beat_at, round_began_at)
VALUES (%(id)s, %(host)s, %(pid)s, now(), now(), now() - %(round)s)
ON CONFLICT (id) DO UPDATE SET beat_at = now(), round_began_at = now() - %(round)s
"""


class Heart:
    """Beats while the context is open; `new_round` is called by the threads of the worker as they
    go, and the one that is longest in its round is told of."""

    def __init__(self) -> None:
        self.id = uuid.uuid4()
        self._rounds_began = {"": time.monotonic()}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> "Heart":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(STOP_SECONDS)

    def new_round(self, thread: str = "") -> None:
        """A thread of the worker has come round: it does not hang in what it did before."""
        self._rounds_began[thread] = time.monotonic()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._beat()
            except (DatabaseError, InterfaceError) as error:
                logger.debug("No heartbeat: %s", error)
                connection.close()
            self._stop.wait(BEAT_SECONDS)
        try:
            Heartbeat.objects.filter(id=self.id).update(ended_at=Now())
        except (DatabaseError, InterfaceError) as error:
            logger.debug("The last heartbeat is not written: %s", error)
        finally:
            connection.close()

    def _oldest(self) -> float:
        return min(list(self._rounds_began.values()))

    def _beat(self) -> None:
        told: dict[str, Any] = {
            "id": self.id,
            "host": socket.gethostname()[:255],
            "pid": os.getpid(),
            "round": timedelta(seconds=time.monotonic() - self._oldest()),
        }
        with connection.cursor() as cursor:
            cursor.execute(BEAT, told)
        Heartbeat.objects.filter(beat_at__lt=Now() - FORGOTTEN).delete()


# SQL: whether workers have run here, and none is heard of now.
ARE_MISSED = Fragment(
    """
EXISTS (SELECT FROM doctor_heartbeat) AND NOT EXISTS (
    SELECT FROM doctor_heartbeat
    WHERE ended_at IS NULL AND beat_at >= now() - %(missed)s
)
""",
    {"missed": MISSED},
)


def living() -> QuerySet[Heartbeat]:
    """Workers that were heard of lately and have not ended, those that began first in front."""
    heard = Heartbeat.objects.filter(ended_at=None, beat_at__gte=Now() - MISSED)
    return heard.order_by("started_at", "id")


def lost() -> QuerySet[Heartbeat]:
    """Workers that have not ended as they were asked to, and are not heard of any more."""
    silent = Heartbeat.objects.filter(ended_at=None, beat_at__lt=Now() - MISSED)
    return silent.order_by("started_at", "id")
