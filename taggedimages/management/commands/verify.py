"""Whether what this service keeps still fits together, and is what it was."""

import json
from collections.abc import Iterator
from typing import Any, ClassVar

from django.core.management.base import CommandError, CommandParser

from images import storage
from taggedimages.datasets.models import Release, ReleaseState
from taggedimages.management import base
from taggedimages.verification import files, keys, releases, tagging
from taggedimages.verification.outcomes import Check, Outcome

# What there is to be verified, by name and in this order.
CHECKS: dict[str, Check] = {
    "keys": keys.keys,
    "ledger": tagging.ledger,
    "vocabulary": tagging.vocabulary,
    "index": tagging.index,
    "objects": files.objects,
    "releases": releases.releases,
}
STORE_AWAY = "Have the store answer (manage.py doctor), and run this again."


class Command(base.Command):
    help = (
        "Compares what is kept with what it should be: what is encrypted with the keys, links and "
        "vocabulary with their ledgers, the tag index with links, objects with records, and "
        "releases with their digests, signatures and files. It changes nothing, and the service "
        "goes on meanwhile. Names what differs, and says what to do."
    )
    examples: ClassVar[tuple[str, ...]] = (
        "verify",
        "verify --only index,ledger --json",
        "verify --deep",
        "verify knees@1",
    )
    exit_codes: ClassVar[dict[int, str]] = {
        base.FAILED: "something differs, or not all could be looked at; each line says what to do",
    }

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("release", nargs="?", metavar="DATASET@N", help="this release alone")
        parser.add_argument("--deep", action="store_true", help="read every byte of every file")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")
        parser.add_argument(
            "--only",
            metavar="CHECKS",
            type=lambda text: text.split(","),
            help=f"these alone, with commas between: {', '.join(CHECKS)}",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        asked, only = options["release"], options["only"]
        if asked and only:
            raise CommandError(
                "A release is all that is looked at: leave out --only.", returncode=2
            )
        if unknown := set(only or ()).difference(CHECKS):
            raise CommandError(
                f"There is no check {', '.join(sorted(unknown))}: there are {', '.join(CHECKS)}.",
                returncode=2,
            )
        looks = (
            {"releases": one(asked)} if asked else {name: CHECKS[name] for name in only or CHECKS}
        )
        differ = 0
        for name, look in looks.items():
            for outcome in outcomes(name, look, options["deep"]):
                differ += not outcome.ok
                self.stdout.write(json.dumps(outcome.told()) if options["json"] else outcome.line())
        if differ:
            raise CommandError(f"{differ} not as it was; what to do is said there.", returncode=1)


def outcomes(name: str, look: Check, deep: bool) -> Iterator[Outcome]:
    """All that a check finds; without a store, that it could not look."""
    try:
        yield from look(deep)
    except storage.StorageUnavailable as error:
        yield Outcome(name, False, f"not all was looked at: {error}", STORE_AWAY)


def one(text: str) -> Check:
    """A look at the release that is called so. Raises CommandError."""
    release = named(text)

    def look(deep: bool) -> Iterator[Outcome]:
        yield releases.verified(release, deep)

    return look


def named(text: str) -> Release:
    """The release that is called so, such as `knees@3`. Raises CommandError."""
    name, _, number = text.partition("@")
    if not (number.isascii() and number.isdigit()):
        raise CommandError("A release is called DATASET@N, such as knees@3.", returncode=2)
    found = Release.objects.select_related("dataset").filter(
        dataset__name=name, number=min(int(number), 2**31 - 1)
    )
    release = found.first()
    if release is None:
        raise CommandError(f"There is no release {text}.")
    if release.state not in (ReleaseState.RELEASED, ReleaseState.RETIRED):
        raise CommandError(f"{text} is {release.state}: there is nothing to verify.")
    return release
