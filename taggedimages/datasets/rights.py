"""Who sees a data set and makes releases of it, and as whom the images of a release are found.

A data set is its project's: of the members of that, and of superusers. One that was made without a
login is everybody's, as long as such callers may write.
"""

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from taggedimages.datasets.models import Dataset, Release
from taggedimages.datasets.refusals import AuthorGone
from taggedimages.identity.authors import ANONYMOUS_NAME, Author
from taggedimages.identity.models import User


def visible_to(user: User | AnonymousUser | None) -> QuerySet[Dataset]:
    """The data sets that a user sees and may edit: there is no difference."""
    everybodys = Q(author=None, author_name=ANONYMOUS_NAME)
    if not isinstance(user, User):
        is_open = settings.ANONYMOUS == "open"
        return Dataset.objects.filter(everybodys) if is_open else Dataset.objects.none()
    if user.is_superuser:
        return Dataset.objects.all()
    shown = Q(project=user.project_id)
    return Dataset.objects.filter(shown | everybodys if settings.ANONYMOUS == "open" else shown)


def releases_visible_to(user: User | AnonymousUser | None) -> QuerySet[Release]:
    """The releases of these data sets, whatever has become of them."""
    return Release.objects.filter(dataset__in=visible_to(user))


def author_of(release: Release) -> Author:
    """Who asked for a release: what that one is shown may be in it. Raises AuthorGone."""
    user = release.author
    if user is None and not release.is_operator and release.author_name != ANONYMOUS_NAME:
        raise AuthorGone(f"There is no user {release.author_name!r} any more.")
    return Author(user, release.through, release.is_operator)
