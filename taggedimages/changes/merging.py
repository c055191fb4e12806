"""Merging tags: the links of some become those of another, and stay the links that they are."""

from taggedimages.changes import undone
from taggedimages.changes.edits import Edits, Link, NewLink, NewValue, links_of
from taggedimages.changes.models import Change, Kind, Outcome
from taggedimages.changes.operations import Operation
from taggedimages.identity.authors import Author
from tags import vocabulary
from tags.models import Tag


def edits(change: Change, images: list[int], refused: set[int]) -> dict[int, Edits | Outcome]:
    """What is to be done to each image, or what has become of it."""
    merge = Operation.from_json(change.operation).merge
    assert merge
    assert merge.into.id
    into = merge.into.id
    links = links_of(images, [into, *(tag.id for tag in merge.sources if tag.id)])
    found: dict[int, Edits | Outcome] = {}
    for image in images:
        wanted = moved(image, links.get(image, []), into)
        found[image] = wanted or Outcome.ALREADY
        if wanted.tags & refused:
            found[image] = Outcome.FORBIDDEN
    return found


def moved(image: int, links: list[Link], into: int) -> Edits:
    """What makes the links of an image those of one tag.

    The oldest becomes the target's link unless there is one, and takes along the first value. The
    target's own value stays.
    """
    sources = [link for link in links if link.tag != into]
    target = next((link for link in links if link.tag == into), None)
    if not sources:
        return Edits()
    value = next((link.value for link in sources if link.value), "")
    if target is None:
        return Edits(sources, [NewLink(image, into, value, origin=sources[0].tag)])
    valued = [NewValue(target, value)] if value and not target.value else []
    return Edits(sources, valued=valued)


def begin(change: Change, by: Author) -> None:
    """Make the tags that are merged aliases of the target at once, before any link is moved.

    Where it is done already, nothing happens. Raises vocabulary.Cycle where the target has become
    an alias of one of them, TooDeep, TooMany, and Tag.DoesNotExist where it is gone.
    """
    origin, again = undone.originally(change)
    if origin.kind != Kind.MERGE or not again:
        return
    sources, into = _tags(origin)
    if into is None:
        raise Tag.DoesNotExist("The tag that others are merged into has been deleted.")
    for tag in sources:
        if tag.alias_of_id is None or tag.alias_of_id != vocabulary.canonical(into).pk:
            vocabulary.alias(tag, into, by, bulk=change.pk)


def end(change: Change, by: Author) -> None:
    """Once the links of an undone merge are back, its tags stand for themselves again.

    A tag that has come to stand for another meanwhile goes on to.
    """
    origin, again = undone.originally(change)
    if origin.kind != Kind.MERGE or again:
        return
    sources, into = _tags(origin)
    for tag in sources:
        if into is not None and tag.alias_of_id == vocabulary.canonical(into).pk:
            vocabulary.unalias(tag, by, bulk=change.pk)


def _tags(change: Change) -> tuple[list[Tag], Tag | None]:
    """Those of the merged tags that are there, and the target."""
    merge = Operation.from_json(change.operation).merge
    assert merge
    there = Tag.objects.in_bulk([tag.id for tag in (*merge.sources, merge.into)])
    return [there[tag.id] for tag in merge.sources if tag.id in there], there.get(merge.into.id)
