"""The command line of `python -m benchmarks`."""

import argparse
from pathlib import Path

from benchmarks.suite import ON_CORPUS, ONCE

ABOUT = "Measures the service: what each command does is in docs/benchmarks.md."
IMPORTS, TAGS, VERIFIED, BACKED_UP = 100_000, 1_000_000, 100_000, 1_000_000
CLIENTS = 200
INSPECTED, UNANNOUNCED = 300, 1_200
READERS = 100

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
    made.add_argument("--files", type=float, default=0.9, help="the share that has one (0.9)")
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
    drawn = command("questions", "draw the questions of a corpus that was made without them")
    drawn.add_argument("folder", type=Path)
    loaded = command("load", "load a corpus into the service's database", lean)
    loaded.add_argument("folder", type=Path)
    loaded.add_argument(
        "--lines", type=float, default=0, help="of the ledger besides the first of each link (0)"
    )
    loaded.add_argument(
        "--projects", type=int, default=1, choices=(1, 2), help="that have the images (1)"
    )
    searched = command("search", "a running service beside the floor", shown, lasting, there)
    searched.add_argument("folder", type=Path)
    searched.add_argument("--kinds", default="", help="only these, by commas")
    searched.add_argument("--credentials", type=Path, help="what manage.py credentials printed")
    searched.add_argument("--keep-floor", action="store_true", help="for the next run")
    turned = command("in_turn", "two running services, asked in alternating rounds", shown)
    turned.add_argument("folder", type=Path)
    turned.add_argument("--bases", nargs=2, required=True, metavar="URL", help="of A and of B")
    turned.add_argument(
        "--credentials",
        nargs="*",
        default=[],
        metavar="FILE",
        help="what manage.py credentials printed of both, or of A and of B",
    )
    turned.add_argument("--token", default="", help="for services that are not open to all")
    turned.add_argument("--rounds", type=int, default=5, help="of each kind (5)")
    turned.add_argument("--seconds", type=float, default=2, help="most for a round and side (2)")
    turned.add_argument("--kinds", default="", help="only these, by commas")
    command("page", "where the time of a page goes, on a running service's database", shown)
    command("costs", "what the steps of searches cost, on a running service's database", shown)
    command("writes", "writes to a running service", shown, lasting, there)
    stopped = command("slow_readers", "pages beside readers who stop", shown, lasting, there)
    stopped.add_argument("folder", type=Path)
    stopped.add_argument("--readers", type=int, default=READERS, help=f"({READERS})")
    changed = command("changes", "a change of all images, and its undo", shown, lasting, there)
    changed.add_argument("folder", type=Path)
    released = command("releases", "as_of, contracts and releases", shown, lasting, there)
    released.add_argument("folder", type=Path)
    named = command("vocabulary", "many tags, in a throw-away service", shown, lasting)
    named.add_argument("--tags", type=int, default=TAGS, metavar="N", help=f"({TAGS})")
    imported = command("import", "import_images, on throw-away engines", shown)
    imported.add_argument("--images", type=int, default=IMPORTS, metavar="N", help=f"({IMPORTS})")
    command("workplace", "pages of the admin of a running service", shown, lasting, there)
    backed_up = command("backup", "a backup and its restore, of a service of its own")
    backed_up.add_argument("--images", type=int, default=BACKED_UP, help=f"({BACKED_UP:,})")
    backed_up.add_argument(
        "--files", type=int, default=VERIFIED, help=f"images with files besides ({VERIFIED:,})"
    )
    verified = command("verify", "a release of small files, in a service of its own")
    verified.add_argument("--files", type=int, default=VERIFIED, help=f"how many ({VERIFIED:,})")
    verified.add_argument(
        "--per-minute", type=float, default=0.4, help="that came in a minute (0.4, 576 a day)"
    )
    inspected = command("inspection", "files a second, in a service of its own", shown, lasting)
    inspected.add_argument("--files", type=int, default=INSPECTED, help=f"({INSPECTED})")
    inspected.add_argument(
        "--unannounced", type=int, default=UNANNOUNCED, help=f"({UNANNOUNCED:,})", metavar="N"
    )
    sized = command("sizes", "bytes of each table, here and for so many images", shown)
    sized.add_argument("--images", type=int, default=100_000_000, metavar="N")
    sized.add_argument("--links", type=float, default=5, help="of an image (5)")
    sized.add_argument("--lines", type=float, default=1, help="of the ledger, of a link (1)")
    crowded = command("container", "many clients on the container's command, and its end")
    crowded.add_argument("--clients", type=int, default=CLIENTS, help=f"({CLIENTS})")
    crowded.add_argument("--seconds", type=float, default=60, help="(60)")
    crowded.add_argument("--images", type=int, default=500, help="that there are (500)")
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
