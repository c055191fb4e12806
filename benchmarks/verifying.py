"""How long it takes to verify a release: its lines, and what the store says of its files.

In a throwaway service, with small files; a file's size matters only where its bytes are read.
"""

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from benchmarks.inspected import make_facts, make_records
from benchmarks.stamp import Say
from images import storage
from taggedimages.datasets import building, catalogue, proposing, verifying
from taggedimages.datasets.models import Release, ReleaseState
from taggedimages.datasets.v1.asking import proposal
from taggedimages.identity.authors import Author

FILE_BYTES = 1_000
PUTS_AT_ONCE, BATCH = 8, 5_000
MILLION = 1_000_000


def measure(files: int, per_minute: float, say: Say) -> dict[str, Any]:
    """Make so many files, of which so many came in a minute, release and verify them: seconds,
    those of the processor in this process, and what a million would take."""
    began = timezone.now() - timedelta(minutes=files / per_minute)
    numbers = iter(range(files))
    while batch := list(itertools.islice(numbers, BATCH)):
        _make(batch, began, per_minute)
        say(f"{batch[-1] + 1} files are stored.")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    release = _released()
    found: dict[str, Any] = {"files": files, "per_minute": per_minute}
    for name, deep in (("verify", False), ("verify_deep", True)):
        began_at, processor = time.monotonic(), time.process_time()
        assert verifying.verify(release, deep=deep).ok
        seconds = time.monotonic() - began_at
        found[name] = {
            "seconds": seconds,
            "processor_seconds": time.process_time() - processor,
            "minutes_a_million": seconds * MILLION / files / 60,
        }
        say(f"{name}: {found[name]}")
    return found


def _make(numbers: list[int], began: datetime, per_minute: float) -> None:
    came = ((number, began + timedelta(minutes=number / per_minute)) for number in numbers)
    images, bodies = make_records(came, FILE_BYTES), [_body(number) for number in numbers]
    with ThreadPoolExecutor(PUTS_AT_ONCE) as threads:
        list(threads.map(storage.put, [image.key for image in images], bodies))
    make_facts(images, bodies, has_previews=False)


def _body(number: int) -> bytes:
    return number.to_bytes(8, "big").ljust(FILE_BYTES, b"\0")


def _released() -> Release:
    author = Author(None, "benchmarks", is_operator=True)
    dataset = catalogue.create("verified", author)
    release = proposing.propose(dataset, proposal({"query": {"everything": True}}), author)
    while Release.objects.filter(state=ReleaseState.BUILDING).exists():
        building.sweep()
    return Release.objects.get(pk=release.pk)
