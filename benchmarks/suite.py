"""The whole measurement in a service of its own, and the same for two commits."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.corpus import Corpus
from benchmarks.tables import Found
from taggedimages.engines.state import CHECKOUT
from taggedimages.engines.tests.conftest import finish, start, without_engines


def run(corpus: Corpus, *more: str, ledger: bool = True) -> Found:
    """Start engines and service on a fresh folder, load the corpus, measure, and remove it all."""
    with folder_for_a_while() as folder:
        data = folder / "data"
        up = start(data)
        try:
            lean = [] if ledger else ["--without-ledger"]
            _benchmarks(CHECKOUT, data, "load", str(corpus.folder), *lean)
            found: Found = json.loads(
                _benchmarks(CHECKOUT, data, "search", str(corpus.folder), "--json", *more)
            )
            return found
        finally:
            finish(up)


def at_commit(commit: str, corpus: Corpus, *more: str) -> Found:
    """The same with what was committed then, its own `benchmarks` included."""
    with folder_for_a_while() as folder:
        checkout = folder / "checkout"
        _git("worktree", "add", "--quiet", "--detach", str(checkout), commit)
        try:
            asked = ["suite", "--corpus", str(corpus.folder), "--json", *more]
            results: list[Found] = json.loads(_benchmarks(checkout, folder / "none", *asked))
            return results[0]
        finally:
            _git("worktree", "remove", "--force", str(checkout))


@contextmanager
def folder_for_a_while() -> Iterator[Path]:
    """A new folder, gone at the end with all that is in it."""
    folder = Path(tempfile.mkdtemp(prefix="benchmark-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _benchmarks(checkout: Path, data: Path, *arguments: str) -> str:
    """Run a command of a checkout's `benchmarks` on a data folder; what it prints."""
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=checkout,
        env=without_engines() | {"TAGGEDIMAGES_DATA": str(data)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    # 1 says that answers were wrong, which the result tells.
    if ran.returncode > 1 or not (ran.stdout or arguments[0] == "load"):
        raise RuntimeError(f"benchmarks {arguments[0]} failed; what it said is above.")
    return ran.stdout


def _git(*arguments: str) -> None:
    subprocess.run(["git", "-C", str(CHECKOUT), *arguments], check=True)  # noqa: S607
