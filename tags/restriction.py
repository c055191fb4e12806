"""Tags that not everybody may put on images or take off: of staff alone, or of nobody any more.

Staff's are those that say something in the name of the service (TAGGEDIMAGES_RESTRICTED_TAGS), and
those that are locked. One that is deprecated stays where it is, and gets on no further image
through doors that go by the vocabulary's rules.
"""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import Q

from taggedimages.identity.authors import Author
from taggedimages.identity.models import User
from tags.models import Tag
from tags.names import folded


class Restricted(Exception):
    """The tag is staff's to put on images, to take off and to rename."""


class Deprecated(Exception):
    """The tag is on no further images."""


class Restrictable(Protocol):
    """What is asked of a tag."""

    @property
    def name(self) -> str: ...
    @property
    def status(self) -> str: ...


T = TypeVar("T", bound=Restrictable)


def may_use(tag: Restrictable, user: User | AnonymousUser | None) -> bool:
    """Whether a user may put a tag on images, and take it off."""
    is_free = folded(tag.name) not in names() and tag.status != Tag.Status.LOCKED
    return is_free or may_use_all(user)


def names() -> set[str]:
    """The folded names of all tags that are staff's by name (TAGGEDIMAGES_RESTRICTED_TAGS)."""
    return {folded(one) for one in settings.RESTRICTED_TAGS}


def of_staff(prefix: str = "") -> Q:
    """Whether a tag, at the end of a path of lookups, is staff's."""
    by_name = {f"{prefix}folded__in": names()}
    return Q(**by_name) | Q(**{f"{prefix}status": Tag.Status.LOCKED})


def refused(wanted: Iterable[str], by: Author) -> list[str]:
    """Those of some names that are not the author's to use, in order."""
    if by.is_operator or may_use_all(by.user):
        return []
    restricted = names()
    return [name for name in wanted if folded(name) in restricted]


def refused_new(tags: Iterable[T], by: Author) -> list[T]:
    """Those of some tags that the author may put on no image, in order."""
    tags = list(tags)
    restricted = set(refused((tag.name for tag in tags), by))
    # Nearly always none of them.
    if not restricted and all(tag.status == Tag.Status.ACTIVE for tag in tags):
        return []
    locked = not (by.is_operator or may_use_all(by.user))
    deprecated = not (by.is_operator or by.writes_exact_names)
    return [
        tag
        for tag in tags
        if tag.name in restricted
        or (locked and tag.status == Tag.Status.LOCKED)
        or (deprecated and tag.status == Tag.Status.DEPRECATED)
    ]


def may_use_all(user: User | AnonymousUser | None) -> bool:
    """Whether no tag is restricted for a user."""
    return isinstance(user, User) and (user.is_staff or user.is_superuser)


def check(wanted: Iterable[str], by: Author) -> None:
    """Raise Restricted where one of some names is not the author's to use."""
    refuse(refused(wanted, by))


def check_new(tags: Iterable[Restrictable], by: Author) -> None:
    """Raise Restricted or Deprecated where the author may put one of some tags on no image."""
    found = refused_new(tags, by)
    refuse(tag.name for tag in found if tag.status != Tag.Status.DEPRECATED)
    for tag in found:
        raise Deprecated(f"The tag {tag.name!r} is deprecated: no further image gets it.")


def refuse(restricted: Iterable[str]) -> None:
    """Raise Restricted if there is a name."""
    for name in restricted:
        raise Restricted(f"Only staff may add, remove or rename the tag {name!r}.")
