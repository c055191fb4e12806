"""Inspects stored files again and renders their previews anew."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import Q
from django.utils import timezone

from images import processing
from images.models import Image
from images.querysets import ImageQuerySet
from taggedimages.management import base
from taggedimages.terminal import progress

IMAGES_PER_BATCH = 1000


class Command(base.Command):
    help = (
        "Has the workers inspect files again and render their previews. They are only marked "
        "here: a worker must run. To go on after an interruption, give --before the time that "
        "the first run printed."
    )
    examples = (
        "reprocess 4711 4712",
        "reprocess --failed --json",
        "reprocess --ready --before 2026-01-31T12:00:00+00:00",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("ids", nargs="*", type=int, help="Ids of images.")
        parser.add_argument("--ready", action="store_true", help="All that were read.")
        parser.add_argument("--failed", action="store_true", help="All that could not be read.")
        parser.add_argument(
            "--before",
            type=datetime.fromisoformat,
            help="Only those last processed before this time (ISO 8601, with zone).",
        )
        parser.add_argument("--json", action="store_true", help="what was marked as one object")

    def handle(self, *args: Any, **options: Any) -> None:
        before = options["before"] or timezone.now()
        if timezone.is_naive(before):
            raise CommandError("--before wants a zone, such as 2026-01-31T12:00:00+00:00.")
        images = asked_for(options)
        if not options["json"]:
            self.stdout.write(f"Those processed before {before.isoformat()}")
        marked = 0
        with progress("Marking", None, "images") as bar:
            for batch in batches(images.filter(processed_at__lt=before)):
                found = processing.reprocess(batch)
                marked += found
                bar.update(found)
        if options["json"]:
            self.stdout.write(json.dumps({"before": before.isoformat(), "marked": marked}))
        else:
            self.stdout.write(f"{marked} images will be processed again.")


def asked_for(options: dict[str, Any]) -> ImageQuerySet:
    """The images that the arguments name. Raises CommandError when they name none."""
    chosen = Q()
    if options["ids"]:
        chosen |= Q(pk__in=options["ids"])
    if options["ready"]:
        chosen |= Q(facts__problem="")
    if options["failed"]:
        chosen |= Q(facts__isnull=False) & ~Q(facts__problem="")
    if not chosen:
        raise CommandError("Give ids, --ready or --failed.")
    return Image.objects.filter(chosen)


def batches(images: ImageQuerySet) -> Iterator[ImageQuerySet]:
    """The images in batches by ascending id."""
    last = 0
    while True:
        ids = list(
            images.filter(pk__gt=last)
            .order_by("pk")
            .values_list("pk", flat=True)[:IMAGES_PER_BATCH]
        )
        if not ids:
            return
        yield Image.objects.filter(pk__in=ids)
        last = ids[-1]
