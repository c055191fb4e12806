"""The whole measurement in a service of its own."""

import json
from collections.abc import Collection

from benchmarks import throwaway
from benchmarks.corpus import Corpus
from benchmarks.goals import Found

# What is measured on every corpus, in this order, and what is measured once.
ON_CORPUS, ONCE = ("search", "page", "writes"), ("vocabulary", "import")


def run(corpus: Corpus, parts: Collection[str], seconds: float, *, ledger: bool = True) -> Found:
    """Start engines and service on a fresh folder, load the corpus, measure, and remove it all."""
    found: Found = {"images": corpus.size}
    lean = [] if ledger else ["--without-ledger"]
    folder, lasting = str(corpus.folder), f"--seconds={seconds}"
    words = {"search": [folder, lasting], "page": [], "writes": [lasting]}
    with throwaway.service() as up:
        throwaway.benchmarks(up.data, "load", folder, *lean)
        for part in ON_CORPUS:
            if part in parts:
                found |= json.loads(throwaway.benchmarks(up.data, part, "--json", *words[part]))
    return found
