"""Runs the web front, as `up` and the container do.

All else is settings, which all processes share: they are forked from this one, which has loaded the
application, and are started again when they end. Two ends of one within seconds end the whole.
"""

import argparse
import gc
import math
import os
import resource
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.mp import MPServer

from taggedimages.monitoring import folders
from taggedimages.monitoring.logs import heed_uncaught
from taggedimages.serving import STOP_SOON

if TYPE_CHECKING:
    from django.conf import LazySettings

# The most that a head may have, and that granian holds of an answer for a client that reads slowly.
BUFFER_BYTES = 96 * 1024
BACKLOG = 1024


class Server(MPServer):
    """Granian, which has its processes say that they are about to end before they take no more."""

    drain_seconds = 0.0

    def shutdown(self, exit_code: int = 0) -> None:
        """Drain, then stop."""
        for worker in self.wrks:
            with suppress(ProcessLookupError):
                os.kill(worker.inner.pid, STOP_SOON)
        time.sleep(self.drain_seconds)
        if self.interrupt_signal:
            # A terminal's Ctrl-C reaches them, too: that they have ended by it is no failure.
            self.interrupt_children.clear()
        super().shutdown(exit_code)  # type: ignore[no-untyped-call]  # the library has no types


def main() -> None:
    """Serve until SIGTERM; requests under way are answered, within STOP_SECONDS."""
    parser = argparse.ArgumentParser(prog="python -m taggedimages.serving")
    parser.add_argument("--host", default="127.0.0.1", help="IP address to listen at")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    allow_many_files()
    with folders.shared():
        serve(options.host, options.port)


def serve(host: str, port: int) -> None:
    """Serve at this address, until SIGTERM."""
    heed_uncaught()
    settings = load()
    # Of a process that does not listen yet, it would be the end.
    signal.signal(STOP_SOON, signal.SIG_IGN)
    server = Server(
        "taggedimages.asgi:application",
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=settings.WEB_PROCESSES,
        backlog=BACKLOG,
        backpressure=settings.MAX_CONNECTIONS,
        http1_settings=HTTP1Settings(
            header_read_timeout=round(settings.HEAD_SECONDS * 1000), max_buffer_size=BUFFER_BYTES
        ),
        respawn_failed_workers=True,
        workers_kill_timeout=math.ceil(settings.STOP_SECONDS),
        log_dictconfig=settings.LOGGING,
    )
    server.drain_seconds = settings.DRAIN_SECONDS
    server.serve()


def load() -> "LazySettings":
    """Load the application and its views, for the processes that are forked from this one."""
    # It names the settings, so it comes before them.
    from taggedimages import asgi  # noqa: F401 I001
    from django.conf import settings
    from django.urls import get_resolver

    get_resolver().url_patterns  # noqa: B018
    gc.collect()
    gc.freeze()
    return settings


def allow_many_files() -> None:
    """Each connection is a file; allow as many as the system lets us."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    main()
