"""The commands: what each does is in docs/benchmarks.md."""

import argparse
import asyncio
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.__main__ import with_django
from benchmarks.attacks import credentials
from benchmarks.attacks.prepare import heavy_image, prepare
from benchmarks.attacks.wire import Service
from benchmarks.stamp import stamp

if TYPE_CHECKING:
    from benchmarks.attacks.composing import Composer, Headers

Options = argparse.Namespace


def main() -> int:
    """Run one command; its exit code."""
    options = read()
    about = {"attacked": options.commit, "command": options.command, "seed": options.seed}
    print(stamp() | about)
    return COMMANDS[options.command](options) or 0


def prepare_corpus(options: Options) -> None:
    prepare(options.base, options.token, options.images, options.seed, say)


def crowd(options: Options) -> None:
    from benchmarks.attacks import crowd

    caller = credentials.read(options.credentials[0]) if options.credentials else None
    aim = crowd.Aim(
        options.base,
        heavy_image(options.base),
        caller.project if caller else "default",
        caller.headers() if caller else {},
        [f"127.0.0.{2 + number}" for number in range(options.addresses)] or [""],
    )
    only = [word for word in options.only.split(",") if word]
    print(crowd.text(crowd.rows(aim, only, options.seconds, say)))


def requests(options: Options) -> int:
    with_django()
    from benchmarks.attacks import bad_requests, known

    service = Service.at(options.base)
    callers = [credentials.read(path) for path in options.credentials]
    admin = known.session(service, options.admin) if options.admin else []
    composer = composer_of(options, admin)

    def refresh() -> None:
        composer.values = known.values(options.base, callers)

    many = options.requests
    findings = asyncio.run(bad_requests.run(service, composer, many, refresh, say))
    print(bad_requests.text(findings))
    return int(bool(findings.faults))


def tokens(options: Options) -> int:
    with_django()
    from benchmarks.attacks import tokens

    caller, other = (credentials.read(path) for path in options.credentials[:2])
    composer = composer_of(options, [])
    findings = asyncio.run(tokens.run(Service.at(options.base), composer, caller, other, say))
    print(tokens.text(findings))
    return int(bool(findings.faults))


def privacy(options: Options) -> int:
    with_django()
    from benchmarks.attacks import canaries, privacy

    callers = [credentials.read(path) for path in options.credentials]
    composer, service = composer_of(options, []), Service.at(options.base)
    found = privacy.run(
        composer, service, options.base, callers, options.visibility, options.combinations
    )
    print(privacy.text(found))
    seen = all(count == canaries.MANY for count in found.owner.values())
    return int(bool(found.told or found.differences or found.apart) or not seen)


def hardening(options: Options) -> int:
    from benchmarks.attacks import hardening

    tools = hardening.Tools(options.tools, options.seconds, say)
    results = hardening.run(options.base, tools, [word for word in options.only.split(",") if word])
    print(hardening.text(results))
    ours = [each for each in results if each.where != "planted"]
    return int(any(each.findings for each in ours))


def composer_of(options: Options, admin: "Headers") -> "Composer":
    """Makes requests to all routes of the service, by these callers and a session of the admin."""
    from benchmarks.attacks import composing, known, routes

    callers = [credentials.read(path) for path in options.credentials]
    return composing.Composer(
        random.Random(options.seed),
        routes.routes(options.base),
        known.values(options.base, callers),
        known.headers(callers, admin),
        [caller.project for caller in callers] or ["default"],
        Service.at(options.base).name,
    )


def read() -> Options:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.attacks", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--base", default="http://127.0.0.1:8000", help="URL of the service")
    shared.add_argument("--commit", default="this", help="that the service runs, if another")
    shared.add_argument("--seed", type=int, default=1)
    shared.add_argument(
        "--credentials",
        nargs="+",
        default=[],
        metavar="FILE",
        help="what `manage.py credentials` printed, of callers who are known",
    )
    made = commands.add_parser("prepare", help="make what is attacked", parents=[shared])
    made.add_argument("--images", type=int, default=2_000)
    made.add_argument("--token", default="", help="for a service that is not open to all")
    beside = commands.add_parser("crowd", help="a reader beside attackers", parents=[shared])
    beside.add_argument("--seconds", type=float, default=20, help="beside each kind (20)")
    beside.add_argument("--only", default="", help="only kinds with one of these words, by commas")
    beside.add_argument(
        "--addresses",
        type=int,
        default=1,
        help="of attackers, on loopback; 0: the reader's own (1)",
    )
    bad = commands.add_parser("requests", help="bad requests", parents=[shared])
    bad.add_argument("--requests", type=int, default=250_000, help="to send (250,000)")
    bad.add_argument("--admin", default="", metavar="NAME:PASSWORD", help="its pages too")
    commands.add_parser("tokens", help="forged tokens of the first of two", parents=[shared])
    hidden = commands.add_parser(
        "privacy", help="images of the first that others must not learn of", parents=[shared]
    )
    hidden.add_argument("--visibility", choices=("private", "project", "public"), default="private")
    hidden.add_argument(
        "--combinations", type=int, default=100, help="of parameters, for each list (100)"
    )
    hard = commands.add_parser("hardening", help="tools for known holes", parents=[shared])
    hard.add_argument("--tools", type=Path, nargs="+", default=[], help="folders of their commands")
    hard.add_argument("--seconds", type=float, default=600, help="for each tool (600)")
    hard.add_argument("--only", default="", help="check, bandit, pip-audit, sqlmap, wapiti")
    return parser.parse_args()


def say(line: str) -> None:
    """Progress, apart from results."""
    print(line, file=sys.stderr, flush=True)


COMMANDS = {
    "prepare": prepare_corpus,
    "crowd": crowd,
    "requests": requests,
    "tokens": tokens,
    "privacy": privacy,
    "hardening": hardening,
}

if __name__ == "__main__":
    sys.exit(main())
