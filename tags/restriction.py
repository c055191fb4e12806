"""Tags that say something in the name of the service, and so are put and taken off by staff."""

from django.conf import settings
from django.contrib.auth.models import AnonymousUser

from taggedimages.identity.models import User
from tags.names import folded


def may_use(name: str, user: User | AnonymousUser | None) -> bool:
    """Whether a user may put the tag of this name on images, and take it off."""
    staff = isinstance(user, User) and user.is_staff
    return staff or folded(name) not in {folded(one) for one in settings.RESTRICTED_TAGS}
