"""The tag that a path names: whether the caller is shown it, and may change it."""

from collections.abc import Callable

from django.conf import settings
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from images.visibility import Viewer
from taggedimages.http import caching
from taggedimages.identity.authentication import author_of
from taggedimages.v1 import SOURCE
from taggedimages.v1.ids import parse_id
from tags import rights
from tags.models import Tag


def shown_tag(request: Request, id: str, *, locked: bool = False) -> Tag:
    """The tag with the id in a path, if the caller is shown it. Raises NotFound."""
    tags = Tag.objects.shown_to(Viewer.of(request.user))
    if locked:
        tags = tags.select_for_update()
    tag = tags.filter(pk=parse_id(id)).first()
    if tag is None:
        raise NotFound
    return tag


def held_tag(request: Request, id: str, entity_tag: Callable[[Tag], str]) -> Tag:
    """The tag for a write: locked, and as If-Match wants it, until the transaction ends.

    Raises NotFound, PreconditionFailed.
    """
    tag = shown_tag(request, id, locked=True)
    caching.check(request, lambda: entity_tag(tag))
    return tag


def check_change(request: Request, tag: Tag, new_name: str | None = None) -> None:
    """Raise OnImagesOfOthers or Restricted; under `open`, everybody changes all tags but the
    restricted ones."""
    check = rights.check_names if settings.ANONYMOUS == "open" else rights.check_change
    check(tag, author_of(request, SOURCE), new_name)
