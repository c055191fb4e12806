"""Measures the service: `python -m benchmarks --help`, and docs/benchmarks.md."""

import argparse
import json
import os
import sys
from pathlib import Path

import django

from benchmarks.corpus import Corpus


def main(words: list[str] | None = None) -> int:
    """Run one command; its exit code."""
    options = arguments(words)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "taggedimages.settings")
    django.setup()
    return int(options.run(options) or 0)


def arguments(words: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("load", help="load a corpus into the service's database")
    command.add_argument("folder", type=Path)
    command.add_argument(
        "--without-ledger", action="store_true", help="half the disk: links without history"
    )
    command.set_defaults(run=load)
    command = commands.add_parser("search", help="measure a running service beside the floor")
    command.add_argument("folder", type=Path)
    command.add_argument("--base", help="URL of the service (that of the `up` that runs here)")
    command.add_argument("--token", default="", help="for a service that is not open to all")
    command.add_argument("--seconds", type=float, default=10, help="most for one kind and side")
    command.add_argument("--kinds", default="", help="only these, by commas")
    command.add_argument("--keep-floor", action="store_true", help="for the next run")
    command.add_argument("--json", action="store_true")
    command.add_argument("--markdown", action="store_true")
    command.set_defaults(run=search)
    return parser.parse_args(words)


def load(options: argparse.Namespace) -> None:
    from benchmarks import loading

    loading.load(Corpus(options.folder), say, ledger=not options.without_ledger)


def search(options: argparse.Namespace) -> int:
    from django.db import connection

    from benchmarks import floor, service, tables
    from benchmarks.searching import Comparison

    corpus = Corpus(options.folder)
    base = options.base or service.running()
    server = connection.get_connection_params()
    with floor.throw_away(server, corpus, keep=options.keep_floor) as beneath:
        say("The floor is built.")
        only = frozenset(filter(None, options.kinds.split(",")))
        run = Comparison(base, options.token, corpus, beneath, options.seconds, say, only)
        result = run.run()
    if options.json:
        print(json.dumps(result.as_dict(), indent=1))
    else:
        print(tables.of_search(result, markdown=options.markdown))
    return 1 if result.wrong else 0


def say(line: str) -> None:
    """Progress, apart from results."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
