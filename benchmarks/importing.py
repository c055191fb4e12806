"""Measures `manage.py import_images` with a manifest, on engines of its own."""

import csv
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import Any

from benchmarks.corpus import Corpus
from benchmarks.generating import generate
from benchmarks.goals import MILLION
from benchmarks.service import peak
from benchmarks.stamp import Say
from benchmarks.throwaway import CommandFailed, environment, folder_for_a_while
from taggedimages import engines
from taggedimages.engines.state import CHECKOUT

SAMPLE_SECONDS = 0.2


def measure(images: int, say: Say) -> dict[str, Any]:
    """Import so many records with some twelve tags each into an empty database.

    There are no objects behind them, which the command need not know: with sizes in the manifest
    it does not look at those of its own bucket. No worker looks at them either.
    """
    with folder_for_a_while() as folder:
        corpus = generate(images, folder / "corpus")
        manifest = folder / "manifest.csv"
        links = write_manifest(corpus, manifest)
        with engines.running(folder / "data") as state:
            env = environment(folder / "data")
            run(["prepare"], env)
            say(f"{images} records with {links} tags are to be imported.")
            seconds, most = run(
                ["import_images", f"s3://{state.bucket}/", f"--manifest={manifest}"], env
            )
    return {
        "images": images,
        "links": links,
        "seconds": round(seconds, 2),
        "per_second": round(images / seconds, 1),
        "million_seconds": round(seconds * MILLION / images, 1),
        "peak_memory": most,
    }


def write_manifest(corpus: Corpus, path: Path) -> int:
    """A corpus as a manifest; returns how many links it has."""
    with corpus.tags.open(newline="") as rows:
        names = dict(csv.reader(rows))
    tags_of = _tags(corpus)
    number, tags = next(tags_of, ("", []))
    links = 0
    with corpus.images.open(newline="") as images, path.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["filename", "tags", "created", "uploaded", "size"])
        for image, filename, size, created, uploaded in csv.reader(images):
            own: list[str] = []
            if image == number:
                own = [names[tag] for tag in tags]
                number, tags = next(tags_of, ("", []))
            links += len(own)
            key = f"scans/{image}/{filename}"
            lines.writerow([key, "|".join(own), created, uploaded or created, size])
    return links


def run(words: list[str], env: dict[str, str]) -> tuple[float, int]:
    """Run a command of manage.py; how many seconds it took, and the most bytes that it held.

    Raises CommandFailed.
    """
    began, most = time.perf_counter(), 0
    command = [sys.executable, str(CHECKOUT / "manage.py"), *words]
    # What it prints is no part of the result.
    with subprocess.Popen(command, env=env, stdout=sys.stderr) as running:
        while running.returncode is None:
            most = max(most, peak(running.pid))
            with suppress(subprocess.TimeoutExpired):
                running.wait(SAMPLE_SECONDS)
    if running.returncode:
        raise CommandFailed(f"manage.py {words[0]} ended with {running.returncode}.")
    return time.perf_counter() - began, most


def _tags(corpus: Corpus) -> Iterator[tuple[str, list[str]]]:
    """Images that have tags, in their order, and these."""
    with corpus.links.open(newline="") as rows:
        for image, links in groupby(csv.reader(rows), key=lambda link: link[0]):
            yield image, [tag for _, tag in links]
