"""Undoing a rename: the tag gets the name back that it had."""

from taggedimages.changes.models import Change, Kind
from taggedimages.changes.refusals import WrongState
from taggedimages.changes.undone import originally
from taggedimages.identity.authors import Author
from tags import renaming, rights
from tags.models import Tag


def end(change: Change, by: Author) -> None:
    """Give the tag of an undone rename its name back; undoing that, the other one again.

    Raises WrongState where it has another name by now or is gone, and what renaming does.
    """
    origin, again = originally(change)
    if origin.kind != Kind.RENAME:
        return
    rename = origin.operation["rename"]
    old, new = (rename["from"], rename["to"]) if again else (rename["to"], rename["from"])
    tag = Tag.objects.filter(pk=rename["id"]).first()
    if tag is None:
        raise WrongState(f"The tag {old!r} has been deleted.")
    if tag.name != old:
        raise WrongState(f"The tag {old!r} has been renamed {tag.name!r} since.")
    rights.check_change_in_v1(tag, by, new)
    try:
        # The old name may be an alias by now, kept by the rename itself.
        renaming.rename(tag, new, by, keep_old=again and rename["keep_old"])
    except renaming.TooManyLinks as error:
        raise WrongState(str(error)) from error
