"""The reader that the attackers are measured by, and the probes beside it."""

import http.client
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

from benchmarks.attacks.wire import Service

READ = "/v1/images?limit=10"
# A request that takes longer has failed, and counts with this time.
PATIENCE_SECONDS = 10
PROBE_PAUSE_SECONDS = 0.5


@dataclass
class Readings:
    """The times of one path, in milliseconds, and how many of the requests had no 200."""

    milliseconds: list[float] = field(default_factory=list)
    failures: int = 0

    def quantile(self, share: float) -> float:
        """The time that all but this share of the requests stay within; of the longest, 1."""
        ordered = sorted(self.milliseconds)
        return (
            ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else float("nan")
        )


class Reader(threading.Thread):
    """Asks for one path over one connection, again as soon as it is answered (or after a pause)."""

    def __init__(self, service: Service, path: str, seconds: float, pause: float = 0) -> None:
        super().__init__(daemon=True)
        self.service, self.path, self.pause = service, path, pause
        self.until = time.monotonic() + seconds
        self.readings = Readings()

    def run(self) -> None:
        connection: http.client.HTTPConnection | None = None
        while time.monotonic() < self.until:
            began = time.monotonic()
            connection = connection or http.client.HTTPConnection(
                self.service.host, self.service.port, timeout=PATIENCE_SECONDS
            )
            status = _status(connection, self.path)
            self.readings.milliseconds.append((time.monotonic() - began) * 1000)
            if status != 200:
                self.readings.failures += 1
                connection.close()
                connection = None
                time.sleep(0.01)
            time.sleep(self.pause)


def read(service: Service, seconds: float) -> dict[str, Readings]:
    """The readings of the list, /healthz and /readyz, taken at the same time."""
    readers = [Reader(service, READ, seconds)]
    readers += [
        Reader(service, path, seconds, PROBE_PAUSE_SECONDS) for path in ("/healthz", "/readyz")
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    return {reader.path: reader.readings for reader in readers}


def seconds_until_quiet(service: Service, most: float = 120) -> float | None:
    """How long it takes until the list is answered within a second; None: longer than that."""
    began = time.monotonic()
    while time.monotonic() < began + most:
        connection = http.client.HTTPConnection(service.host, service.port, timeout=1)
        if _status(connection, READ) == 200:
            return time.monotonic() - began
        connection.close()
        time.sleep(0.1)
    return None


def _status(connection: http.client.HTTPConnection, path: str) -> int:
    with suppress(OSError, http.client.HTTPException):
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    return 0
