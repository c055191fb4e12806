"""What may be asked of the corpus, and the one function that answers it."""

from dataclasses import dataclass, fields
from datetime import datetime

from django.contrib.auth.models import AnonymousUser

from images.models import Image, ImageQuerySet
from search import operators
from taggedimages.identity.models import User


@dataclass(frozen=True)
class Query:
    """A question, as plain data; every field that is set narrows the answer."""

    # All of these exact names must be on the image.
    exact_tags: tuple[str, ...] = ()
    # Each pattern must match a tag of the image: whole name, any case, `%` is the wildcard.
    match_tags: tuple[str, ...] = ()
    # The id of a tag that must be on the image.
    tag_id: int | None = None
    # Created at or after the one, before the other.
    created_from: datetime | None = None
    created_before: datetime | None = None
    uploaded_only: bool = False


def find(query: Query, user: User | AnonymousUser | None) -> ImageQuerySet:
    """The images that a user may see and that match, newest first, unevaluated."""
    images = Image.objects.visible_to(user)
    for field in fields(query):
        if asked := getattr(query, field.name):
            images = getattr(operators, field.name)(images, asked)
    return images.newest_first()
