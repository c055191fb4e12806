"""Measures the container's own command under many clients, and how it ends amid them.

The command is the Dockerfile's, as it stands but for where it listens; the engines are those
of a throw-away `up`. Nothing is built and no docker is needed.
"""

import json
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import quote

from benchmarks import inside
from benchmarks.client import Client, Request, together
from benchmarks.stamp import Say
from taggedimages.engines.state import CHECKOUT, free_port

READY_SECONDS = 60
FEWEST_IMAGES = 10
# Of ten requests, two write.
READS = 8
# For how long clients ask before the command is told to end.
BEFORE_END_SECONDS = 3.0


def measure(clients: int, seconds: float, say: Say) -> dict[str, Any]:
    """What so many clients get through together, and what becomes of them when it ends."""
    with served() as (process, base):
        requests = mixed(base)
        say(f"{clients} clients for {seconds:g} s")
        load = together(base, "", requests, clients, seconds)
        say(f"{load.per_second:.0f} requests a second")
        ending = ended(process, base, requests, clients)
    return {**load.as_dict(), "statuses": load.statuses, "ending": ending}


@contextmanager
def served() -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """The container's command and its URL."""
    port = free_port()
    process = subprocess.Popen(command(port), cwd=CHECKOUT, stdout=sys.stderr)
    base = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + READY_SECONDS
        with closing(Client(base)) as client:
            while client.ask("/readyz").status != 200:
                if time.monotonic() > until or process.poll() is not None:
                    raise RuntimeError("The container's command does not serve.")
                time.sleep(0.1)
        yield process, base
    finally:
        process.terminate()
        process.wait()


def command(port: int) -> list[str]:
    """The Dockerfile's, by this Python and on this machine alone."""
    (line,) = re.findall(r"^CMD (\[.*\])$", (CHECKOUT / "Dockerfile").read_text(), re.MULTILINE)
    here = {"python": sys.executable, "0.0.0.0": "127.0.0.1", "8000": str(port)}  # noqa: S104
    return [here.get(word, word) for word in json.loads(line)]


def mixed(base: str) -> list[Request]:
    """Pages, searches, records and writes, in turn."""
    tags = inside.common_tags(4, fewest=1)
    with closing(Client(base)) as client:
        until = time.monotonic() + READY_SECONDS
        # The worker has yet to look at them.
        while len(shown := client.ask("/v1/images").json()["results"]) < FEWEST_IMAGES:
            if time.monotonic() > until:
                raise RuntimeError("The service shows too few images.")
            time.sleep(0.5)
    images = [image["id"] for image in shown]
    reads: list[Request] = []
    for at, image in enumerate(images):
        name, tag = list(tags.items())[at % len(tags)]
        reads += [
            (f"/v1/images/{image}",),
            ("/v1/images",),
            (f"/v1/tags/{tag}/images",),
            (f"/v1/search/images?exact_tags={quote(name)}",),
        ]
    writes: list[Request] = [
        ("/v1/images", "POST", {"filename": "crowd.png", "tags": list(tags)}),
        (f"/v1/images/{images[0]}", "PUT", {"tags": list(tags)}),
    ]
    mix: list[Request] = []
    for at in range(0, len(reads), READS):
        mix += [*reads[at : at + READS], *writes]
    return mix


def ended(
    process: "subprocess.Popen[bytes]", base: str, requests: list[Request], clients: int
) -> dict[str, Any]:
    """Tell the command to end amid requests of so many clients; what these got from then on."""
    statuses: Counter[int] = Counter()
    began = time.monotonic()

    def ask(number: int) -> None:
        """Until there is no answer: each that was sent has one, or met a closed door."""
        with closing(Client(base)) as client:
            at = number
            while statuses[0] < clients:
                status = client.ask(*requests[at % len(requests)]).status
                statuses[status] += 1
                if status == 0:
                    return
                at += 1

    threads = [threading.Thread(target=ask, args=[number]) for number in range(clients)]
    for thread in threads:
        thread.start()
    time.sleep(BEFORE_END_SECONDS)
    told = time.monotonic()
    process.terminate()
    code = process.wait()
    took = time.monotonic() - told
    for thread in threads:
        thread.join()
    refused = sum(count for status, count in statuses.items() if status >= 300)
    return {
        "exit_code": code,
        "seconds_to_end": round(took, 2),
        "answers": sum(statuses.values()) - statuses[0],
        "answers_not_2xx": refused,
        "seconds": round(time.monotonic() - began, 2),
    }
