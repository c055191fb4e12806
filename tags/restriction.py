"""Tags that say something in the name of the service, and so are put and taken off by staff."""

from collections.abc import Iterable

from django.conf import settings
from django.contrib.auth.models import AnonymousUser

from taggedimages.identity.authors import Author
from taggedimages.identity.models import User
from tags.names import folded


class Restricted(Exception):
    """The tag is staff's to put on images, to take off and to rename."""


def may_use(name: str, user: User | AnonymousUser | None) -> bool:
    """Whether a user may put the tag of this name on images, and take it off."""
    return may_use_all(user) or folded(name) not in names()


def names() -> set[str]:
    """The folded names of all such tags (TAGGEDIMAGES_RESTRICTED_TAGS)."""
    return {folded(one) for one in settings.RESTRICTED_TAGS}


def refused(wanted: Iterable[str], by: Author) -> list[str]:
    """Those of some names that are not the author's to use, in order."""
    if by.is_operator or may_use_all(by.user):
        return []
    restricted = names()
    return [name for name in wanted if folded(name) in restricted]


def may_use_all(user: User | AnonymousUser | None) -> bool:
    """Whether no tag is restricted for a user."""
    return isinstance(user, User) and (user.is_staff or user.is_superuser)


def check(wanted: Iterable[str], by: Author) -> None:
    """Raise Restricted where one of some names is not the author's to use."""
    if found := refused(wanted, by):
        raise Restricted(f"Only staff may add, remove or rename the tag {found[0]!r}.")
