"""The command line of `python -m benchmarks`."""

import argparse
from pathlib import Path

from benchmarks.suite import ON_CORPUS, ONCE

ABOUT = "Measures the service: what each command does is in docs/benchmarks.md."
IMPORTS, TAGS = 100_000, 1_000_000

Options = argparse.Namespace


def read(words: list[str] | None) -> Options:
    """The options of one command, whose name is their `command`."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=ABOUT)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")

    shown = _shared()
    shown.add_argument("--json", action="store_true", help="print JSON")
    shown.add_argument("--markdown", action="store_true", help="print Markdown")
    made = _shared()
    made.add_argument("--seed", type=int, default=1)
    made.add_argument("--shuffled", action="store_true", help="ids do not follow time")
    made.add_argument("--tags-per-image", type=float, default=12, help="on average (12)")
    lean = _shared()
    lean.add_argument("--without-ledger", action="store_true", help="links without history")
    lasting = _shared()
    lasting.add_argument("--seconds", type=float, default=10, help="most for a kind and side (10)")
    there = _shared()
    there.add_argument("--base", help="URL of the service (that of the `up` that runs here)")
    there.add_argument("--token", default="", help="for a service that is not open to all")

    def command(name: str, help: str, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=help, parents=parents)

    new = command("generate", "make a corpus", made)
    new.add_argument("folder", type=Path)
    new.add_argument("--images", type=int, required=True)
    loaded = command("load", "load a corpus into the service's database", lean)
    loaded.add_argument("folder", type=Path)
    searched = command("search", "a running service beside the floor", shown, lasting, there)
    searched.add_argument("folder", type=Path)
    searched.add_argument("--kinds", default="", help="only these, by commas")
    searched.add_argument("--keep-floor", action="store_true", help="for the next run")
    turned = command("in_turn", "two running services, asked in alternating rounds", shown)
    turned.add_argument("folder", type=Path)
    turned.add_argument("--bases", nargs=2, required=True, metavar="URL", help="of A and of B")
    turned.add_argument("--token", default="", help="for services that are not open to all")
    turned.add_argument("--rounds", type=int, default=5, help="of each kind (5)")
    turned.add_argument("--seconds", type=float, default=2, help="most for a round and side (2)")
    turned.add_argument("--kinds", default="", help="only these, by commas")
    command("page", "where the time of a page goes, on a running service's database", shown)
    command("costs", "what the steps of searches cost, on a running service's database", shown)
    command("writes", "writes to a running service", shown, lasting, there)
    changed = command("changes", "a change of all images, and its undo", shown, lasting, there)
    changed.add_argument("folder", type=Path)
    named = command("vocabulary", "many tags, in a throw-away service", shown, lasting)
    named.add_argument("--tags", type=int, default=TAGS, metavar="N", help=f"({TAGS})")
    imported = command("import", "import_images, on throw-away engines", shown)
    imported.add_argument("--images", type=int, default=IMPORTS, metavar="N", help=f"({IMPORTS})")
    command("workplace", "pages of the admin of a running service", shown, lasting, there)
    shots = command("screenshots", "of the curator's pages, in a throw-away service")
    shots.add_argument("folder", type=Path, nargs="?", default=Path("docs/curating"))
    shots.add_argument("--only", default="", help="only these, by commas")
    whole = command("suite", "all in throw-away services", shown, lasting, made, lean)
    every = ",".join([*ON_CORPUS, *ONCE])
    whole.add_argument("--only", default="", metavar="PARTS", help=f"some of {every}")
    what = whole.add_mutually_exclusive_group(required=True)
    what.add_argument("--images", type=int, nargs="+", metavar="N")
    what.add_argument("--corpus", type=Path, nargs="+", metavar="FOLDER")
    whole.add_argument("--tags", type=int, default=TAGS, metavar="N", help=f"to choose ({TAGS})")
    whole.add_argument("--imports", type=int, default=IMPORTS, metavar="N", help=f"({IMPORTS})")
    whole.add_argument("--out", type=Path, help="keep results in this folder")
    return parser.parse_args(words)


def _shared() -> argparse.ArgumentParser:
    return argparse.ArgumentParser(add_help=False)
