"""A search as a file: NDJSON or CSV, with checksums of each image and of the file itself."""

import json
import sys
from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.http import QueryDict
from django.utils import timezone

from images.visibility import Viewer
from search.results import SearchResults
from search.v1.parameters import Asked
from taggedimages.datasets.snapshots import one_state
from taggedimages.management import base, exporting
from taggedimages.management.asking import asked_by, refused_in_a_line, viewer_named
from taggedimages.management.writing import Digest, replacing
from taggedimages.terminal import progress

FORMATS = ("ndjson", "csv")


class Command(base.Command):
    help = (
        "Writes all images that match, with checksums, facts, times, tags and values, in one state "
        "of the database and in the order asked for. With --output the file is there once it is "
        "whole, with its checksum in FILE.sha256 and what it is of in FILE.manifest.json."
    )
    examples = (
        "export 'exact_tags=knee' --output knees.ndjson",
        "export '' --format csv --output images.csv --overwrite --json",
        "export 'any_tags=knee|hand&order=oldest' --as-of 2026-01-31T12:00:00+00:00 --user mira",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "conditions", help='which images, as `find` takes them; "" is all images'
        )
        parser.add_argument(
            "--format", choices=FORMATS, help="csv where FILE ends so, otherwise ndjson"
        )
        parser.add_argument("--output", type=Path, metavar="FILE", help="instead of printing it")
        parser.add_argument("--overwrite", action="store_true", help="FILE may be there")
        parser.add_argument(
            "--as-of",
            type=instant,
            metavar="TIME",
            help="with the tags of then: epoch seconds, or ISO 8601 with a zone",
        )
        parser.add_argument(
            "--user", metavar="NAME", help="only what this user may see (all that is current)"
        )
        parser.add_argument(
            "--headers", action="store_true", help="with EXIF and DICOM headers, as they are kept"
        )
        parser.add_argument(
            "--json", action="store_true", help="with --output: the manifest on standard output"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with refused_in_a_line():
            asked = asked_by(_conditions(options))
            viewer = viewer_named(options["user"])
            if path := options["output"]:
                self.save(path, asked, viewer, options)
                return
            manifest = self.export(asked, viewer, options, self.put)
            self.stdout.flush()
            self.stderr.write(_sentence(manifest))

    def save(self, path: Path, asked: Asked, viewer: Viewer, options: dict[str, Any]) -> None:
        """Write the file, and beside it what tells whether it is whole."""
        if path.exists() and not options["overwrite"]:
            raise CommandError(f"{path} is there; --overwrite replaces it.")
        if {"\n", "\\"} & set(path.name):
            raise CommandError("sha256sum writes such a name in another way: choose one without.")
        with replacing(path) as file:
            manifest = self.export(asked, viewer, options, file.write)
        # In this order: where they are older, the checksum says that this is another file.
        with replacing(path.with_name(f"{path.name}.sha256")) as file:
            file.write(f"{manifest['sha256']}  {path.name}\n".encode())
        with replacing(path.with_name(f"{path.name}.manifest.json")) as file:
            file.write(f"{json.dumps(manifest, indent=2)}\n".encode())
        self.stdout.write(json.dumps(manifest) if options["json"] else _sentence(manifest))

    def export(
        self, asked: Asked, viewer: Viewer, options: dict[str, Any], put: Callable[[bytes], object]
    ) -> dict[str, Any]:
        """Have all that is found put somewhere; returns what it is. Raises what searches do."""
        headers, digest, images = options["headers"], Digest(), 0
        write = exporting.table(headers) if _format(options) == "csv" else exporting.ndjson
        # Lines on the terminal are progress enough.
        bar_wanted = bool(options["output"]) or not sys.stdout.isatty()
        with one_state(read_only=True) as state_of:
            found = SearchResults(asked.query, viewer, asked.order)
            with progress("Export", _total(found), "images", wanted=bar_wanted) as bar:
                for piece in exporting.pieces(found, write, headers=headers):
                    put(piece.text)
                    digest.update(piece.text)
                    images += piece.images
                    bar.update(piece.images)
        as_of = found.query.as_of
        return {
            "conditions": options["conditions"],
            "user": options["user"],
            "as_of": as_of and as_of.isoformat(),
            "state_of": state_of.isoformat(),
            "format": _format(options),
            "images": images,
            "bytes": digest.bytes,
            "sha256": digest.sha256,
        }

    def put(self, text: bytes) -> None:
        """Print some lines."""
        self.stdout.write(text.decode(), ending="")


def instant(text: str) -> int:
    """Epoch seconds of a time as it is typed. Raises ArgumentTypeError."""
    if text.isascii() and text.isdigit():
        return int(text)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or timezone.is_naive(at):
        raise ArgumentTypeError("epoch seconds, or a time such as 2026-01-31T12:00:00+00:00")
    return int(at.timestamp())


def _conditions(options: dict[str, Any]) -> str:
    conditions, as_of = options["conditions"], options["as_of"]
    if as_of is None:
        return str(conditions)
    if "as_of" in QueryDict(conditions):
        raise CommandError("Say as_of once.")
    return "&".join(filter(None, [conditions, f"as_of={as_of}"]))


def _format(options: dict[str, Any]) -> str:
    output = options["output"]
    by_name = "csv" if output and output.suffix.lower() == ".csv" else "ndjson"
    return options["format"] or by_name


def _total(found: SearchResults) -> int | None:
    """How many there will be, where anybody looks."""
    return found.count() if sys.stderr.isatty() else None


def _sentence(manifest: dict[str, Any]) -> str:
    return "{images:,} images, {bytes:,} bytes, SHA-256 {sha256}".format(**manifest)
