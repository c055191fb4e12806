"""The whole measurement in a service of its own, and the same for two commits."""

import json
import subprocess
from collections.abc import Collection

from benchmarks import throwaway
from benchmarks.corpus import Corpus
from benchmarks.goals import Found
from taggedimages.engines.state import CHECKOUT

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


def at_commit(commit: str, corpus: Corpus, *more: str) -> Found:
    """The same with what was committed then, its own `benchmarks` included."""
    with throwaway.folder_for_a_while() as folder:
        checkout = folder / "checkout"
        _git("worktree", "add", "--quiet", "--detach", str(checkout), commit)
        try:
            asked = ["suite", "--corpus", str(corpus.folder), "--json", *more]
            said = throwaway.benchmarks(folder / "none", *asked, checkout=checkout)
            results: list[Found] = json.loads(said)
            return results[0]
        finally:
            _git("worktree", "remove", "--force", str(checkout))


def _git(*arguments: str) -> None:
    subprocess.run(["git", "-C", str(CHECKOUT), *arguments], check=True)  # noqa: S607
