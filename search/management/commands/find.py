"""Find images as /v1/search/images does, all of them, from the command line."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.core.management.base import CommandParser
from django.db.models import OuterRef
from django.db.models.functions import Coalesce

from images.models import Image
from search.results import SearchResults
from taggedimages.epochs import epoch_seconds
from taggedimages.management import base
from taggedimages.management.asking import asked_by, refused_in_a_line, viewer_named
from tags.models import ImageTag
from tags.names import distinct
from tags.past import showing
from tags.past.showing import Moment

CHUNK_IMAGES = 500
# Aliases as their targets.
TAG_NAMES = ArraySubquery(
    ImageTag.objects.filter(image=OuterRef("pk"))
    .order_by("pk")
    .values(shown=Coalesce("tag__alias_of__name", "tag__name"))
)


class Command(base.Command):
    help = (
        "Prints a JSON record a line for each image that matches, in the order asked for. "
        "Unlike the API, it takes no unknown parameters."
    )
    examples = (
        "find 'exact_tags=knee|left&min_width=512'",
        "find '' --count",
        "find 'format=png&order=largest' --user mira",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "conditions",
            help='parameters of /v1/search/images, such as "exact_tags=knee|left&min_width=512"; '
            'with %% as %%25 and & as %%26; "" is all images',
        )
        parser.add_argument("--count", action="store_true", help="only how many there are")
        parser.add_argument(
            "--user", metavar="NAME", help="only what this user may see (all that is current)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        asked, viewer = asked_by(options["conditions"]), viewer_named(options["user"])
        images = Image.objects.shown_to(viewer).annotate(tag_names=TAG_NAMES)
        found = SearchResults(asked.query, viewer, asked.order, images=images)
        with refused_in_a_line():
            if options["count"]:
                self.stdout.write(str(found.count()))
                return
            for line in lines(found):
                self.stdout.write(json.dumps(line))


def lines(found: SearchResults) -> Iterator[dict[str, Any]]:
    """What is printed of each image; with an instant, the tags that it had."""
    query = found.query
    if query.as_of is None:
        yield from map(record, found)
        return
    moment = Moment(query.as_of, query.vocabulary_now, found.viewer)
    every = iter(found)
    while images := list(islice(every, CHUNK_IMAGES)):
        tags = showing.tags_of([image.pk for image in images], moment)
        for image in images:
            yield record(image) | {
                "tags": [tag["name"] for tag in tags[image.pk]],
                "as_of": epoch_seconds(query.as_of),
            }


def record(image: Any) -> dict[str, Any]:
    """What is printed of an image."""
    return {
        "id": image.pk,
        "filename": image.filename,
        "key": image.key,
        "created": image.created_at.isoformat(),
        "tags": distinct(image.tag_names),
    }
