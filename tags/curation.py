"""Looking after the vocabulary: create, rename and delete tags."""

from django.db import IntegrityError, transaction

from taggedimages.identity.authors import Author
from taggedimages.transactions import retried
from tags import history, names, tagging
from tags.models import Tag


class TagNameTaken(Exception):
    """Another tag has that name already."""


@retried
def create(name: str) -> Tag:
    """The tag of this exact name, made if absent."""
    return tagging.resolve([name])[0]


@retried
def rename(tag: Tag, name: str) -> Tag:
    """Give a tag another name on every image. Raises TagNameTaken, and Tag.DoesNotExist."""
    new = {"name": name, "folded": names.folded(name)}
    try:
        with transaction.atomic():
            renamed = Tag.objects.filter(pk=tag.pk).update(**new)
    except IntegrityError as error:
        raise TagNameTaken(f"Another tag is named {name!r}.") from error
    if not renamed:
        raise Tag.DoesNotExist("The tag has been deleted.")
    tag.name, tag.folded = new["name"], new["folded"]
    return tag


@retried
def delete(tag: Tag, by: Author) -> bool:
    """Remove a tag with its links, never images; False when it was gone already."""
    with history.signed(by):
        deleted, _ = Tag.objects.filter(pk=tag.pk).delete()
        return bool(deleted)
