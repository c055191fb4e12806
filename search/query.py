"""What may be asked of the corpus, and the one function that answers it."""

from dataclasses import dataclass, fields
from datetime import datetime

from django.contrib.auth.models import AnonymousUser

from images.models import Image
from images.querysets import ImageQuerySet
from search import lookups
from search.lookups import TagValues
from taggedimages.identity.models import User


@dataclass(frozen=True)
class Query:
    """A question, as plain data; every field that is set narrows the answer, but for `order`."""

    # All of these exact names must be on the image.
    exact_tags: tuple[str, ...] = ()
    # Each pattern must match a tag of the image: whole name, any case, `%` is the wildcard.
    match_tags: tuple[str, ...] = ()
    # The id of a tag that must be on the image.
    tag_id: int | None = None
    # Tags by exact name, each with one of the values listed: every one of them, at least one ...
    with_all: tuple[TagValues, ...] = ()
    with_any: tuple[TagValues, ...] = ()
    # ... not all of them at once, or none of them.
    without_all: tuple[TagValues, ...] = ()
    without_any: tuple[TagValues, ...] = ()
    # No tag at all.
    untagged: bool = False
    # The image's name: exactly, or a part of it in any case.
    name: str | None = None
    name_contains: str = ""
    # The image's uuid as text.
    uuid: str | None = None
    # Created at or after the one, before the other.
    created_from: datetime | None = None
    created_before: datetime | None = None
    uploaded_only: bool = False
    # The file arrived at or after the one, before the other.
    uploaded_from: datetime | None = None
    uploaded_before: datetime | None = None
    # A part of the filename, in any case.
    filename_contains: str = ""
    # Formats of the file, lower case, as images.models.Facts has them: one of these.
    formats: tuple[str, ...] = ()
    # Pixels as stored, and bytes, each end included; what is not known is in no range of pixels.
    min_width: int | None = None
    max_width: int | None = None
    min_height: int | None = None
    max_height: int | None = None
    min_size: int | None = None
    max_size: int | None = None
    # One of search.ordering.ORDERS.
    order: str = "newest"


def find(query: Query, user: User | AnonymousUser | None) -> ImageQuerySet:
    """The images that a user may see and that match, in the query's order, unevaluated."""
    return narrowed(Image.objects.visible_to(user).newest_first(), query)


def narrowed(images: ImageQuerySet, query: Query) -> ImageQuerySet:
    """Those of some images that match, unevaluated; in their own order unless one is asked for."""
    for field in fields(query):
        if (asked := getattr(query, field.name)) != field.default:
            images = getattr(lookups, field.name)(images, asked)
    return images
