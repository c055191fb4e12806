"""How long a backup and its restore take, beside a running service: of a large database without any
file, and then with many small files, each with the previews that an inspection makes.

In a throwaway service. What files hold is no picture: nobody looks into them.
"""

import itertools
import json
import random
import resource
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from django.db import connection
from django.utils import timezone

from benchmarks.generating import generate
from benchmarks.inspected import make_facts, make_records
from benchmarks.loading import load
from benchmarks.stamp import Say
from benchmarks.throwaway import manage
from images import previews, storage
from images.models import Image
from images.storage.quick import Put

# Of a file and of its three previews: what 300 pictures of `demo` have on average is less.
FILE_BYTES, PREVIEW_BYTES = 20_000, (1_500, 3_000, 12_000)
AT_ONCE, BATCH = 4, 5_000


def measure(data: Path, images: int, files: int, say: Say) -> dict[str, Any]:
    """Fill the service of a data folder, which is empty, and back it up and restore it: seconds,
    those of the processor that the commands and PostgreSQL's programs took, and bytes."""
    work = data.parent / "backups"
    load(generate(images, work / "corpus", files=0), say, lines=0)
    found: dict[str, Any] = {"images": images, "files": files}
    found["database"] = _there_and_back(data, work / "database", say)
    _make_files(files, say)
    found["with_files"] = _there_and_back(data, work / "files", say)
    return found


def _there_and_back(data: Path, backup: Path, say: Say) -> dict[str, Any]:
    """A first backup, one more of which nothing is new, a look at all of it, and a restore."""
    copy = backup.with_name(f"{backup.name}-restored")
    found = {
        "first": _timed(data, "backup", str(backup), "--json"),
        "again": _timed(data, "backup", str(backup), "--json"),
        "check": _timed(data, "backup", str(backup), "--check"),
        "restore": _timed(data, "restore", str(backup), f"--data={copy}"),
        "backup_bytes": sum(p.stat().st_size for p in backup.rglob("*") if p.is_file()),
    }
    shutil.rmtree(copy)
    say(f"{backup.name}: {json.dumps(found)}")
    return found


def _timed(data: Path, *words: str) -> dict[str, float]:
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    manage(data, *words)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "seconds": round(time.monotonic() - began, 1),
        "processor_seconds": round(processor, 1),
    }


def _make_files(count: int, say: Say) -> None:
    numbers = iter(range(count))
    while batch := list(itertools.islice(numbers, BATCH)):
        _make(batch)
        say(f"{batch[-1] + 1} images with files are stored.")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _make(numbers: list[int]) -> None:
    now = timezone.now()
    images = make_records(((number, now) for number in numbers), FILE_BYTES)
    with ThreadPoolExecutor(AT_ONCE) as threads, storage.quick_puts(AT_ONCE) as put:
        bodies = list(threads.map(partial(_store, put), images))
    make_facts(images, bodies, has_previews=True)


def _store(put: Put, image: Image) -> bytes:
    """Put a file and its previews, each of bytes of its own, into the bucket; the file."""
    body = random.Random(image.pk).randbytes(FILE_BYTES)
    stored = dict(zip(previews.keys(image.uuid), PREVIEW_BYTES, strict=True))
    for key, size in {image.key: FILE_BYTES, **stored}.items():
        sent = body if key == image.key else random.Random(key).randbytes(size)
        if not put(key, sent, storage.OCTETS):
            storage.put(key, sent)
    return body
