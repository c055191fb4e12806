"""How long it takes to verify a release: its lines, and what the store says of its files.

In a throwaway service, with small files; a file's size matters only where its bytes are read.
"""

import hashlib
import itertools
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from benchmarks.stamp import Say
from images import keys, storage
from images.models import Facts, Image
from taggedimages.datasets import building, catalogue, proposing, verifying
from taggedimages.datasets.models import Release, ReleaseState
from taggedimages.datasets.v1.asking import proposal
from taggedimages.identity.authors import Author
from taggedimages.identity.models import Project, default_project_id

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
    Project.objects.get_or_create(pk=default_project_id())
    bodies = [_body(number) for number in numbers]
    came = [began + timedelta(minutes=number / per_minute) for number in numbers]
    images = Image.objects.bulk_create(_images(numbers, came))
    with ThreadPoolExecutor(PUTS_AT_ONCE) as threads:
        list(threads.map(storage.put, [image.key for image in images], bodies))
    Facts.objects.bulk_create(
        Facts(
            image=image,
            format="png",
            width=8,
            height=6,
            sha256=hashlib.sha256(body).digest(),
            md5=hashlib.md5(body, usedforsecurity=False).digest(),
        )
        for image, body in zip(images, bodies, strict=True)
    )


def _images(numbers: list[int], came: list[datetime]) -> Iterator[Image]:
    for number, at in zip(numbers, came, strict=True):
        name = f"file{number}.png"
        yield Image(
            filename=name,
            name=name,
            size=FILE_BYTES,
            key=keys.archived(keys.new_key(name, at)),
            created_at=at,
            uploaded_at=at,
            processed_at=at,
        )


def _body(number: int) -> bytes:
    return number.to_bytes(8, "big").ljust(FILE_BYTES, b"\0")


def _released() -> Release:
    author = Author(None, "benchmarks", is_operator=True)
    dataset = catalogue.create("verified", author)
    release = proposing.propose(dataset, proposal({"query": {"everything": True}}), author)
    while Release.objects.filter(state=ReleaseState.BUILDING).exists():
        building.sweep()
    return Release.objects.get(pk=release.pk)
