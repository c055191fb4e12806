"""Find images as /v1/search/images does, all of them, from the command line."""

import json
import os
import sys
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import OuterRef
from django.db.models.functions import Coalesce
from rest_framework.exceptions import ValidationError

from images.models import Image
from images.visibility import Viewer
from search.results import SearchResults
from search.v1.parameters import Asked, text_query
from taggedimages.http.errors import flattened
from taggedimages.identity.models import User
from tags.models import ImageTag
from tags.names import distinct

# Aliases as their targets.
TAG_NAMES = ArraySubquery(
    ImageTag.objects.filter(image=OuterRef("pk"))
    .order_by("pk")
    .values(shown=Coalesce("tag__alias_of__name", "tag__name"))
)


class Command(BaseCommand):
    help = (
        "Prints a JSON record a line for each image that matches, in the order asked for. "
        "Unlike the API, it takes no unknown parameters."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "conditions",
            help='parameters of /v1/search/images, such as "exact_tags=knee|left&min_width=512"; '
            'with % as %25 and & as %26; "" is all images',
        )
        parser.add_argument("--count", action="store_true", help="only how many there are")
        parser.add_argument(
            "--user", metavar="NAME", help="only what this user may see (all that is current)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            asked = text_query(options["conditions"])
        except ValidationError as error:
            raise CommandError("; ".join(flattened(error.detail))) from error
        found = self.found(asked, options["user"])
        if options["count"]:
            self.stdout.write(str(found.count()))
            return
        try:
            for image in found:
                self.stdout.write(json.dumps(record(image)))
        except BrokenPipeError:
            # Whoever reads, such as `head`, has seen enough; what is buffered goes nowhere.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def found(self, asked: Asked, name: str | None) -> SearchResults:
        """What matches of what a user sees, or of all that is current. Raises CommandError."""
        viewer = Viewer(audiences=None)
        if name is not None:
            user = User.objects.filter(username=name).first()
            if user is None:
                raise CommandError(f"There is no user {name}.")
            viewer = Viewer.of(user)
        images = Image.objects.shown_to(viewer).annotate(tag_names=TAG_NAMES)
        return SearchResults(asked.query, viewer, asked.order, images=images)


def record(image: Any) -> dict[str, Any]:
    """What is printed of an image."""
    return {
        "id": image.pk,
        "filename": image.filename,
        "key": image.key,
        "created": image.created_at.isoformat(),
        "tags": distinct(image.tag_names),
    }
