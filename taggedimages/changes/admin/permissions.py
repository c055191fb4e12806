"""Who sees changes in the admin, and whom it lets have them done.

Whatever the admin lets somebody do, a change still has its author's rights (`changes.rights`).
"""

from django.db.models import QuerySet
from django.http import Http404, HttpRequest

from taggedimages.changes import rights, undone
from taggedimages.changes.models import Change, Kind
from taggedimages.changes.standing import with_standing
from taggedimages.http.fields import MAX_INT64, WHOLE_NUMBER
from taggedimages.identity.models import User

# Any of these lets one see changes.
TO_SEE = ("changes.view_change", "images.view_image", "images.change_image")
# What each action of the lists and each kind of change asks for.
TO_DO = {
    **dict.fromkeys(("tag", "untag", "replace", "value"), "images.change_image"),
    **dict.fromkeys(("hide", "show", "end"), "images.change_image"),
    "trash": "images.delete_image",
    **dict.fromkeys((Kind.RETAG.value, Kind.IMPORT.value), "images.change_image"),
    **dict.fromkeys((Kind.MERGE.value, Kind.RENAME.value), "tags.change_tag"),
}


def user_of(request: HttpRequest) -> User:
    """Who is in the admin, which lets nobody else in."""
    assert isinstance(request.user, User)
    return request.user


def may_see(user: User) -> bool:
    """Whether somebody sees changes at all."""
    return any(map(user.has_perm, TO_SEE))


def may_do(user: User, doing: str) -> bool:
    """Whether somebody may propose and apply this: a name of TO_DO, which are those of the actions
    of the lists and of kinds of changes."""
    return user.has_perm(TO_DO[doing])


def may_have_done(user: User, change: Change) -> bool:
    """Whether somebody may apply, stop, resume, discard or undo a change, and take images out.

    An undo asks for what the change asks for that it takes back; bringing images back from the
    trash, for leave to change images or to put them there.
    """
    origin, again = undone.originally(change)
    doing = str(origin.operation.get("images") or origin.kind)
    if doing == "trash" and not again:
        return may_do(user, "trash") or may_do(user, "show")
    return may_do(user, doing if doing in TO_DO else Kind.RETAG.value)


def seen_by(user: User) -> QuerySet[Change]:
    """The changes that somebody sees in the admin: superusers all; other staff those of their
    project that somebody of it has proposed, since an operator's or a superuser's counts images
    that are not theirs to see."""
    if not may_see(user):
        return Change.objects.none()
    if user.is_superuser:
        return Change.objects.all()
    of_project = rights.visible_to(user).filter(project=user.project_id, is_operator=False)
    return of_project.exclude(author__is_superuser=True)


def seen(request: HttpRequest, id: str) -> Change:
    """The change with this id, with all that its page tells of it. Raises Http404."""
    is_id = WHOLE_NUMBER.match(id) and 0 < int(id) <= MAX_INT64
    if is_id:
        changes = with_standing(seen_by(user_of(request))).select_related("author", "of__of")
        if change := changes.filter(pk=int(id)).first():
            return change
    raise Http404("There is no such change.")
