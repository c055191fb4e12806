"""Fill the corpus with generated images and plausible tags, so that there is something to see."""

from typing import Any

from django.core.management.base import CommandParser

from images import inserts, uploads
from taggedimages import pictures
from taggedimages.identity.authors import Author
from taggedimages.management import base
from taggedimages.terminal import lines, progress
from taggedimages.transactions import retried
from tags import tagging


class Command(base.Command):
    help = "Adds a few hundred generated, visibly different images with tags."
    examples = (
        "demo --images 20",
        "demo --images 20 --seed 7",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--images", type=int, default=300, help="how many (300)")
        parser.add_argument("--seed", type=int, default=1, help="another seed, other images (1)")

    def handle(self, *args: Any, **options: Any) -> None:
        total = options["images"]
        author = Author(None, "command:demo", is_operator=True)
        with progress("Demo", total, "images") as bar:
            for number, picture in enumerate(pictures.generate(total, options["seed"]), 1):
                add(picture, author)
                bar.update()
                # `up` has no terminal to show a bar on.
                if number == total or (bar.disable and number % 50 == 0):
                    with lines():
                        self.stdout.write(f"{number} of {total} images")


def add(picture: pictures.Picture, by: Author) -> None:
    """Store one picture with its record and tags."""
    image = uploads.receive(picture.filename, picture.body, by)

    @retried
    def save() -> None:
        inserts.insert(image)
        tagging.tag_new(image, picture.tags, by)

    save()
