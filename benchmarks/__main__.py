"""Measures the service: what each command does is in docs/benchmarks.md."""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import django

from benchmarks.corpus import Corpus

Options = argparse.Namespace


def main(words: list[str] | None = None) -> int:
    """Run one command; its exit code."""
    options = arguments(words)
    return int(options.run(options) or 0)


def arguments(words: list[str] | None) -> Options:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        run: Callable[[Options], int | None], help: str, *parents: argparse.ArgumentParser
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(run.__name__, help=help, parents=parents)
        made.set_defaults(run=run)
        return made

    shown = argparse.ArgumentParser(add_help=False)
    shown.add_argument("--json", action="store_true", help="print JSON")
    shown.add_argument("--markdown", action="store_true", help="print Markdown")
    made = argparse.ArgumentParser(add_help=False)
    made.add_argument("--seed", type=int, default=1)
    made.add_argument("--shuffled", action="store_true", help="ids do not follow time")
    made.add_argument("--tags-per-image", type=float, default=12, help="on average (12)")
    lean = argparse.ArgumentParser(add_help=False)
    lean.add_argument("--without-ledger", action="store_true", help="links without history")
    lasting = argparse.ArgumentParser(add_help=False)
    lasting.add_argument("--seconds", type=float, default=10, help="most for a kind and side")

    new = command(generate, "make a corpus", made)
    new.add_argument("folder", type=Path)
    new.add_argument("--images", type=int, required=True)
    loaded = command(load, "load a corpus into the service's database", lean)
    loaded.add_argument("folder", type=Path)
    searched = command(search, "measure a running service beside the floor", shown, lasting)
    searched.add_argument("folder", type=Path)
    searched.add_argument("--base", help="URL of the service (that of the `up` that runs here)")
    searched.add_argument("--token", default="", help="for a service that is not open to all")
    searched.add_argument("--kinds", default="", help="only these, by commas")
    searched.add_argument("--keep-floor", action="store_true", help="for the next run")
    whole = command(suite, "all in a throw-away service", shown, lasting, made, lean)
    what = whole.add_mutually_exclusive_group(required=True)
    what.add_argument("--images", type=int, nargs="+", metavar="N")
    what.add_argument("--corpus", type=Path, nargs="+", metavar="FOLDER")
    whole.add_argument("--out", type=Path, help="keep results and curve in this folder")
    drawn = command(curve, "draw the growth curve of kept results", shown)
    drawn.add_argument("results", type=Path, nargs="+", metavar="RESULT.json")
    drawn.add_argument("--svg", type=Path, required=True)
    compared = command(compare, "measure two commits in turn", shown, lasting, made)
    compared.add_argument("commits", nargs=2, metavar="COMMIT")
    compared.add_argument("--images", type=int, default=100_000)
    return parser.parse_args(words)


def generate(options: Options) -> None:
    from benchmarks import generating

    generating.generate(
        options.images,
        options.folder,
        seed=options.seed,
        shuffled=options.shuffled,
        tags_per_image=options.tags_per_image,
    )


def load(options: Options) -> None:
    with_django()
    from benchmarks import loading

    loading.load(Corpus(options.folder), say, ledger=not options.without_ledger)


def search(options: Options) -> int:
    with_django()
    from django.db import connection

    from benchmarks import floor, service, tables
    from benchmarks.searching import Comparison

    corpus = Corpus(options.folder)
    base = options.base or service.running()
    only = frozenset(filter(None, options.kinds.split(",")))
    server = connection.get_connection_params()
    with floor.throw_away(server, corpus, keep=options.keep_floor) as beneath:
        say("The floor is built.")
        run = Comparison(base, options.token, corpus, beneath, options.seconds, say, only)
        found = run.run().as_dict()
    show(found, tables.of_search(found, markdown=options.markdown), options)
    return int(any(kind["wrong"] for kind in found["kinds"].values()))


def suite(options: Options) -> None:
    from benchmarks import curve, suite, tables

    results = []
    for at in range(len(options.images or options.corpus)):
        with suite.folder_for_a_while() as folder:
            corpus = chosen(options, at, folder)
            say(f"{corpus.size} images")
            ledger, seconds = not options.without_ledger, f"--seconds={options.seconds}"
            found = suite.run(corpus, seconds, ledger=ledger)
        results.append(found)
        if options.out:
            options.out.mkdir(parents=True, exist_ok=True)
            (options.out / f"{found['images']}.json").write_text(json.dumps(found, indent=1))
            (options.out / "growth.svg").write_text(curve.draw(results))
    texts = [tables.of_search(found, markdown=options.markdown) for found in results]
    if len(results) > 1:
        texts.append(tables.of_growth(results, markdown=options.markdown))
    show(results, "\n\n".join(texts), options)


def chosen(options: Options, at: int, folder: Path) -> Corpus:
    """The corpus that a suite is asked for, made in the folder if need be."""
    if options.corpus:
        return Corpus(options.corpus[at])
    from benchmarks import generating

    images, seed, shuffled = options.images[at], options.seed, options.shuffled
    return generating.generate(images, folder, seed=seed, shuffled=shuffled)


def curve(options: Options) -> None:
    from benchmarks import curve, tables

    results = [json.loads(path.read_text()) for path in options.results]
    results.sort(key=lambda found: int(found["images"]))
    options.svg.write_text(curve.draw(results))
    show(results, tables.of_growth(results, markdown=options.markdown), options)


def compare(options: Options) -> None:
    from benchmarks import generating, suite, tables

    with suite.folder_for_a_while() as folder:
        seed, shuffled = options.seed, options.shuffled
        corpus = generating.generate(options.images, folder, seed=seed, shuffled=shuffled)
        before, after = (
            suite.at_commit(commit, corpus, f"--seconds={options.seconds}")
            for commit in options.commits
        )
    show([before, after], tables.of_commits(before, after, markdown=options.markdown), options)


def with_django() -> None:
    """Settings find the database that the environment names, or that of the `up` here."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "taggedimages.settings")
    django.setup()


def show(found: object, text: str, options: Options) -> None:
    """Print a result as asked for."""
    print(json.dumps(found, indent=1) if options.json else text)


def say(line: str) -> None:
    """Progress, apart from results."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
