"""Whose rights a change has, and who is shown it.

It is its author's, whoever applies it: the images that the author is shown and may change, and the
tags that the author may use. Staff of its project and superusers see it, besides the author.
"""

from collections.abc import Iterable

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from images.models import Image
from images.querysets import ImageQuerySet
from images.visibility import Viewer
from taggedimages.changes.models import Change
from taggedimages.changes.operations import Merge, TagRef
from taggedimages.changes.refusals import AuthorGone, NeedsSomebodyElse
from taggedimages.identity.authors import ANONYMOUS_NAME, Author
from taggedimages.identity.models import User
from tags import restriction
from tags import rights as tag_rights
from tags.models import Tag


def author_of(change: Change) -> Author:
    """Who proposed a change, to sign with and to ask for rights. Raises AuthorGone."""
    user = change.author
    if user is None and not change.is_operator and change.author_name != ANONYMOUS_NAME:
        raise AuthorGone(f"There is no user {change.author_name!r} any more.")
    return Author(user, change.through, change.is_operator)


def viewer_of(author: Author) -> Viewer:
    """As whom an author looks; an operator without a user sees all that is current, and staff in
    the admin their project alone."""
    if project := author.staff_project:
        return Viewer(audiences=None, project=project)
    if author.user is None and author.is_operator:
        return Viewer(audiences=None)
    return Viewer.of(author.user)


def editable(author: Author) -> ImageQuerySet:
    """The images that an author is shown and may change."""
    if author.is_operator or author.staff_project:
        return Image.objects.shown_to(viewer_of(author))
    return Image.objects.changeable_by(author.user)


def edits_all_shown(author: Author) -> bool:
    """Whether an author may change all that the author is shown."""
    if author.is_operator or author.staff_project or settings.ANONYMOUS == "open":
        return True
    return author.user is not None and author.user.is_superuser


def revertible(author: Author, change: Change) -> ImageQuerySet:
    """The images, shown to anybody or not, whose records an author may give back what a change has
    taken: those that they may edit, and under `open` all of one's own change."""
    if author.is_operator or (author.user and author.user.is_superuser):
        return Image.objects.all()
    if project := author.staff_project:
        return Image.objects.of_project(project)
    made_it = change.author_id == (author.user.pk if author.user else None)
    if settings.ANONYMOUS == "open" and made_it and change.author_name == author.name:
        return Image.objects.all()
    members = settings.PROJECT_EDITS == "members"
    return Image.objects.editable_by(author.user, members=members)


def refused_tags(author: Author) -> QuerySet[Tag]:
    """The tags that are not the author's to put on images, or to take off."""
    if author.is_operator or restriction.may_use_all(author.user):
        return Tag.objects.none()
    return Tag.objects.filter(restriction.of_staff())


def check_coming(tags: Iterable[TagRef], by: Author) -> None:
    """Raise restriction.Deprecated where one of the tags that are to come is on no further image.

    Staff's tags are judged image by image: they come to none that has not got them.
    """
    if by.is_operator:
        return
    named = Tag.objects.filter(pk__in=[tag.id for tag in tags if tag.id is not None])
    for tag in named.filter(status=Tag.Status.DEPRECATED):
        restriction.check_new([tag], Author(by.user, by.through))


def visible_to(user: User | AnonymousUser | None) -> QuerySet[Change]:
    """The changes that a user is shown: one's own, as staff those of the project, as superuser
    all. Whoever comes without a login is shown what such callers proposed."""
    if not isinstance(user, User):
        return Change.objects.filter(author=None, author_name=ANONYMOUS_NAME, is_operator=False)
    if user.is_superuser:
        return Change.objects.all()
    own = Q(author=user)
    return Change.objects.filter(own | Q(project=user.project_id) if user.is_staff else own)


def check_may_merge(merge: Merge, by: Author) -> None:
    """Raise OnImagesOfOthers or Restricted where one of the tags is not the author's to change."""
    for tag in Tag.objects.filter(pk__in=[one.id for one in (*merge.sources, merge.into)]):
        tag_rights.check_change_in_v1(tag, by)


def check_may_apply(change: Change, by: Author) -> None:
    """Raise NeedsSomebodyElse where a change is too large for its author to apply."""
    if (by.user.pk if by.user else None) == change.author_id:
        check_size(change.images, by)


def check_size(images: int, by: Author) -> None:
    """Raise NeedsSomebodyElse where one's own change of so many images is another's to apply
    (TAGGEDIMAGES_CHANGE_CONFIRM); operators of the service apply any."""
    most = settings.CHANGE_CONFIRM
    if most and images > most and not by.is_operator:
        raise NeedsSomebodyElse(
            f"A change of more than {most} images is applied by somebody else than its author."
        )
