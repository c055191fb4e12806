"""Tags that requests name by their ids: whether the caller is shown them, and may change them.

An alias is shown to whoever is shown its target. Reads of an alias are answered for its target, or
lead there; a write of one is refused, but for those that concern the alias itself.
"""

from collections.abc import Iterable

from django.db.models import F
from django.db.models.functions import Coalesce
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request

from images.visibility import Viewer
from taggedimages.http.errors import Conflict
from taggedimages.identity.authentication import author_of
from taggedimages.identity.authors import Author
from taggedimages.v1 import SOURCE
from taggedimages.v1.ids import parse_id
from tags import rights
from tags.models import Tag, TagQuerySet
from tags.shown import IsShown


def shown_tags(request: Request) -> TagQuerySet:
    """The tags that the caller is shown, and the aliases of these."""
    viewer = Viewer.of(request.user)
    if viewer.audiences is None:
        return Tag.objects.all()
    return Tag.objects.filter(IsShown(Coalesce(F("alias_of"), F("pk")), viewer, aliased=True))


def shown_tag(request: Request, id: str) -> Tag:
    """The tag with the id in a path, which may be an alias. Raises NotFound."""
    tag = shown_tags(request).filter(pk=parse_id(id)).first()
    if tag is None:
        raise NotFound
    return tag


def shown_target(request: Request, id: str) -> Tag:
    """The tag with the id in a path, or the target of that alias. Raises NotFound."""
    tag = shown_tag(request, id)
    return tag if tag.alias_of_id is None else Tag.objects.get(pk=tag.alias_of_id)


def held_tags(
    request: Request, id: str, field: str = "", others: Iterable[int] = ()
) -> tuple[Tag, list[Tag]]:
    """The tag with the id in a path, and those with the ids in a field of the body, locked until
    the transaction ends.

    Raises NotFound, and ValidationError where the body names one that there is not.
    """
    others = list(dict.fromkeys(others))
    own = parse_id(id)
    # In the order of their ids, so that of two requests one waits for the other.
    wanted = shown_tags(request).filter(pk__in=[own, *others]).order_by("pk")
    found = {tag.pk: tag for tag in wanted.select_for_update()}
    if own not in found:
        raise NotFound
    if unknown := [other for other in others if other not in found]:
        raise ValidationError({field: [f"There is no tag {unknown[0]}."]})
    return found[own], [found[other] for other in others]


def check_target(tag: Tag) -> None:
    """Raise Conflict where a tag is an alias, which is not to be changed in its target's place."""
    if tag.alias_of_id is not None:
        raise Conflict(f"Tag {tag.pk} is an alias of tag {tag.alias_of_id}: change that.")


def check_change(request: Request, tag: Tag, new_name: str | None = None) -> None:
    """Raise OnImagesOfOthers or Restricted where the tag is not the caller's to change."""
    rights.check_change_in_v1(tag, author(request), new_name)


def author(request: Request) -> Author:
    """Who changes tags through this API."""
    return author_of(request, SOURCE)
